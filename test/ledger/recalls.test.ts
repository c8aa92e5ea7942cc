/** What a node may conclude from others having given back what they did not use. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SPARING_MS } from "../../src/kernel/limits.js";
import { nanoUsd } from "../../src/kernel/money.js";
import { grantOf } from "../support/ledger.js";
import { randomFrom } from "../support/random.js";
import { makeWorld, type Process, type World } from "./world.js";

const FUNDS = "user:ada";
const START = Date.UTC(2026, 0, 30);

const folder = mkdtempSync(join(tmpdir(), "turnpike-recalls-"));
afterAll(() => rmSync(folder, { recursive: true }));

let world: World;
let asker: Process;
let other: Process;
let files = 0;
beforeEach(async () => {
  world = await makeWorld(join(folder, `${++files}.sqlite`), randomFrom(1), new Map());
  await world.real.grant(grantOf(FUNDS, 100n, { openedAt: START }));
  asker = await world.start();
  other = await world.start();
});

/** Looks for `amount`, and holds it; what can be had of it, where that is at least `atLeast`. */
async function cover(
  { gateway }: Process,
  amount: bigint,
  { ask = gateway.keeper.newAsk(), atLeast = amount } = {},
) {
  const hold = (): true | undefined => {
    const answer = gateway.book.hold([FUNDS], nanoUsd(amount), gateway.clock.now(), START * 2);
    return answer.ok || undefined;
  };
  const asking = { ask, atLeast: nanoUsd(atLeast) };
  return world.finish(gateway.keeper.cover([FUNDS], nanoUsd(amount), asking, hold));
}

const freeAt = ({ gateway }: Process): bigint => gateway.book.free(FUNDS, gateway.clock.now());

test("an asker who comes again with less hears of what another node took in between", async () => {
  expect((await cover(other, 10n)).taken).toBe(true);
  const ask = asker.gateway.keeper.newAsk();
  expect((await cover(asker, 95n, { ask })).cover).toBe("short");
  // Its tokens are being counted meanwhile, and the other node takes half of the rest for later.
  world.advance(2 * SPARING_MS);
  await world.finish(other.gateway.keeper.refresh(FUNDS));
  expect(freeAt(other)).toBe(45n);
  await cover(asker, 95n, { ask, atLeast: 60n });
  expect(freeAt(asker)).toBe(90n);
});

test("who asked before a recall began and comes after it needs none of its own", async () => {
  expect((await cover(other, 10n)).taken).toBe(true);
  const later = asker.gateway.keeper.newAsk();
  expect((await cover(asker, 95n)).cover).toBe("short");
  const before = await world.recalls();
  expect((await cover(asker, 95n, { ask: later })).cover).toBe("short");
  expect(await world.recalls()).toBe(before);
});
