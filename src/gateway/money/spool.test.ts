import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noLog } from "../../kernel/log.js";
import { profileOf } from "../../ledger/profile.js";
import { parseStarted } from "../../ledger/spool-record.js";
import { Spool } from "./spool.js";

const profile = profileOf({
  userId: "u",
  tokenId: "t",
  payer: "user:u",
  groupId: "",
  model: "maison/modèle-à-漢字-🙂",
  task: "conversational",
  provider: "p",
  isOwnKey: false,
  price: [],
});

/** The ids of all records that were written, in order; a line that is not whole has none. */
function idsIn(folder: string): (string | undefined)[] {
  const bytes = Buffer.concat(readdirSync(folder).map((file) => readFileSync(join(folder, file))));
  const lines: Buffer[] = [];
  for (let at = 0, end = bytes.indexOf(10); end >= 0; at = end + 1, end = bytes.indexOf(10, at)) {
    lines.push(bytes.subarray(at, end));
  }
  return lines.map((line) => parseStarted(line)?.id);
}

test("a turn's records are all written, be they few or more than are written from one place", async () => {
  const folder = mkdtempSync(join(tmpdir(), "turnpike-spool-"));
  const spool = new Spool(folder, "relaxed", noLog);
  const ids: string[] = [];
  // By turns less and more than the 256 KB that are kept for writing from.
  for (const count of [1, 3_000, 2, 5_000, 400]) {
    for (let i = 0; i < count; i++) {
      const id = `request-${ids.length}`;
      ids.push(id);
      spool.started({ id, profile, at: 1, isStream: false, tags: ["stadt=Köln"] });
    }
    await spool.flushed();
    const file = readFileSync(join(folder, readdirSync(folder)[0] ?? ""));
    expect(spool.position()).toEqual({ segment: 0, offset: file.length });
  }
  await spool.close();
  expect(idsIn(folder)).toEqual(ids);
  rmSync(folder, { recursive: true });
});
