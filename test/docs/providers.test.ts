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

/** The simulator does not have these. */
const NOT_TRIED = /^(fireworks-ai|novita) (text-generation|feature-extraction|text-ranking)$/;
/** Its chat stands in for completions, and the simulator has no model of it for that. */
const GROQ = "groq text-generation";

test("every other task was done by a client, unmodified, from end to end", () => {
  const untried = proofs().filter(({ endToEnd }) => !Object.values(endToEnd).some(Boolean));
  const unexplained = names(untried).filter((name) => !NOT_TRIED.test(name) && name !== GROQ);
  expect(unexplained).toEqual([]);
});
