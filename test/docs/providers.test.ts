/** docs/providers.md says how every task of every provider is proven to work. Prints its table. */
import { afterAll, expect, test } from "bun:test";
import { proofsTable } from "../../scripts/docs.js";
import { proofs } from "../providers/proofs.js";

afterAll(() => console.log(proofsTable()));

const names = (which: ReturnType<typeof proofs>) =>
  which.map(({ provider, task }) => `${provider} ${task}`);

test("every task that has a wire has exchanges", () => {
  const without = proofs().filter(
    ({ provider, exchanges }) => exchanges === 0 && provider !== "embedded",
  );
  expect(names(without)).toEqual([]);
});

test("every task that Hugging Face's client has of a provider is held against it", () => {
  expect(names(proofs().filter(({ oracle }) => oracle === "NO"))).toEqual([]);
});

/** Its chat stands in for completions, and the simulator has no model of it for that. */
const NOT_TRIED = ["groq text-generation"];

test("every other task was done by a client, unmodified, from end to end", () => {
  const untried = proofs().filter(({ endToEnd }) => !Object.values(endToEnd).some(Boolean));
  expect(names(untried)).toEqual(NOT_TRIED);
});
