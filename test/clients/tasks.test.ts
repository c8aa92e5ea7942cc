/**
 * Every task of every provider through a running Turnpike, asked for by Hugging Face's own clients: unmodified, with
 * nothing but the helpers in `clients/`. Prints what each of them could do.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { useTurnpike } from "../../clients/huggingface.mjs";
import { findPython, runPython } from "./python.js";
import { type Front, startFront } from "./support.js";
import { type ClientName, DONE, doneOf } from "./tasks/done.js";
import { picture, sound } from "./tasks/files.js";
import { askJavaScript } from "./tasks/javascript.js";
import { doneIn, faultsIn, type Outcome, type Row, rows, tableOf } from "./tasks/rows.js";

/** What cannot work whatever we do, and why. */
const CANNOT: Readonly<Record<string, string>> = {
  "novita text-generation": "the JavaScript client sends the task's form to the route of chat",
};

const python = findPython(["huggingface_hub", "numpy", "PIL"]);
const columns: Record<string, ReadonlyMap<Row, Outcome>> = {};
let front: Front;

beforeAll(async () => {
  front = await startFront();
});
afterAll(async () => {
  await front.stop();
  console.log(tableOf(columns));
});

const surprisesIn = (outcomes: ReadonlyMap<Row, Outcome>): string[] =>
  faultsIn(outcomes).filter((fault) => !((fault.split(":", 1)[0] ?? "") in CANNOT));

/** That a client did all that it knows of, which is what the documents say of it. */
function expectDone(client: ClientName): void {
  const outcomes = columns[client] ?? new Map();
  expect(surprisesIn(outcomes)).toEqual([]);
  expect(doneOf(doneIn(outcomes))).toEqual(DONE[client]);
}

/** The jobs' own waits are seconds long, so all rows are under way at once. */
test("@huggingface/inference does every task that it knows of every provider", async () => {
  const undo = useTurnpike(front.server.origin);
  try {
    const asked = rows.map(
      async (row) => [row, await askJavaScript(row, front.ada.token)] as const,
    );
    columns["@huggingface/inference"] = new Map(await Promise.all(asked));
  } finally {
    undo();
  }
  expectDone("@huggingface/inference");
}, 120_000);

const base64 = async (blob: Blob) => Buffer.from(await blob.bytes()).toString("base64");

test.skipIf(!python)(
  "huggingface_hub does every task that it knows of every provider",
  async () => {
    const asked = {
      origin: front.server.origin,
      token: front.ada.token,
      picture: await base64(picture),
      sound: await base64(sound),
      rows,
    };
    const outcomes = await runPython<readonly Outcome[]>(
      python,
      "tasks/huggingface_tasks.py",
      asked,
    );
    columns.huggingface_hub = new Map(rows.map((row, i) => [row, outcomes[i] ?? "none"]));
    expectDone("huggingface_hub");
  },
  120_000,
);

test("all that was delivered was charged to whoever asked", async () => {
  await front.app.drain();
  const booked = await front.app.site.usage.newestRequests(front.ada.user.id, 1_000);
  const served = Object.values(columns).flatMap(doneIn);
  expect(served).not.toEqual([]);
  const unpaid = served.filter(
    ({ servedBy, model }) =>
      !booked.some((one) => one.provider === servedBy && one.model === model && one.cost > 0n),
  );
  expect(unpaid).toEqual([]);
});
