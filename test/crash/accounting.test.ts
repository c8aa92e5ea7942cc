/** The four figures of the nodes' test, on books that are wrong: each has to say so. */
import { expect, test } from "bun:test";
import type { LogEntry } from "../../sim/log.js";
import { figuresOf } from "./accounting.js";
import type { Asked, Payer, Place } from "./cluster.js";
import { TOKEN_COST } from "./support.js";

const NONE = { overspend: 0n, phantomRefusals: 0, lost: 0, doubled: 0 };
const TOKENS = 20;
const COST = BigInt(TOKENS) * TOKEN_COST;

const place = { revivedAt: [] as number[] } as unknown as Place;

/** A payer with credit for two requests; one was served, and is in the books. */
function world() {
  const payer: Payer = {
    ...{ name: "ada", id: "u1", token: "t" },
    grants: [{ at: 0, amount: 2n * COST }],
  };
  const askedOf = (id: string, seen: Partial<Asked["seen"]>, from = 10): Asked => ({
    ...{ payer, place, tokens: TOKENS, from, to: from + 5 },
    seen: { status: 200, isComplete: false, id, cost: undefined, ...seen } as Asked["seen"],
  });
  const served = (id: string) => askedOf(id, { isComplete: true, cost: COST });
  const row = (id: string, facts = {}) =>
    ({ id, user_id: "u1", cost: COST, overrun: 0n, at: BigInt(0), ...facts }) as never;
  const moved = (id: string, amount = COST) =>
    ({ id: `${id}/0`, credit: "provider:together", amount }) as never;
  const figures = (
    asked: readonly Asked[],
    requests: readonly never[],
    transfers: readonly never[],
    delivered: readonly string[],
  ) =>
    figuresOf(
      asked,
      [payer],
      { requests, transfers } as never,
      new Map(delivered.map((id) => [id, { costNanoUsd: String(COST) } as LogEntry])),
    );
  return { askedOf, served, row, moved, figures };
}

test("books that are right have nothing but zeros", () => {
  const { served, row, moved, figures, askedOf } = world();
  const refused = askedOf("r3", { status: 402 }, 30);
  const asked = [served("r1"), served("r2"), refused];
  const found = figures(asked, [row("r1"), row("r2")], [moved("r1"), moved("r2")], ["r1", "r2"]);
  expect(found).toEqual(NONE);
});

test("what was delivered or charged beyond the credit, or overrun, is an overspend", () => {
  const { served, row, moved, figures } = world();
  const ids = ["r1", "r2", "r3"];
  const three = figures(
    ids.map(served),
    ids.map((id) => row(id)),
    ids.map((id) => moved(id)),
    ids,
  );
  // Seen by callers, and in the books.
  expect(three).toEqual({ ...NONE, overspend: 2n * COST });
  const overrun = figures([served("r1")], [row("r1", { overrun: 7n })], [moved("r1")], ["r1"]);
  expect(overrun).toEqual({ ...NONE, overspend: 7n });
});

test("a refusal, or an answer cut short in advance, while there was enough is a phantom", () => {
  const { askedOf, served, row, moved, figures } = world();
  const refused = askedOf("r2", { status: 402 }, 30);
  const found = figures([served("r1"), refused], [row("r1")], [moved("r1")], ["r1"]);
  expect(found).toEqual({ ...NONE, phantomRefusals: 1 });
  const short = askedOf("r2", { isComplete: true, cost: TOKEN_COST }, 30);
  const books = [row("r1"), row("r2", { cost: TOKEN_COST })];
  const clamped = figures([served("r1"), short], books, [moved("r1"), moved("r2", TOKEN_COST)], []);
  expect(clamped).toMatchObject({ phantomRefusals: 1, doubled: 0 });
});

test("an answer that the books do not have, or have at another cost than the provider, is lost", () => {
  const { served, row, moved, figures } = world();
  expect(figures([served("r1")], [], [], ["r1"])).toEqual({ ...NONE, lost: 1 });
  const dearer = figures(
    [served("r1")],
    [row("r1", { cost: COST + 1n })],
    [moved("r1", COST + 1n)],
    ["r1"],
  );
  expect(dearer).toEqual({ ...NONE, lost: 1 });
  expect(figures([served("r1")], [row("r1")], [moved("r1")], [])).toEqual({ ...NONE, lost: 1 });
});

test("what was moved twice, or for no request at all, is doubled", () => {
  const { served, row, moved, figures } = world();
  const twice = figures([served("r1")], [row("r1")], [moved("r1"), moved("r1")], ["r1"]);
  expect(twice).toEqual({ ...NONE, doubled: 1 });
  const strange = figures([served("r1")], [row("r1")], [moved("r1"), moved("r9")], ["r1"]);
  expect(strange).toEqual({ ...NONE, doubled: 1 });
});
