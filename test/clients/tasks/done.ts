/**
 * What each client was seen to do, by whoever served it: `done.json` says it, the tests of the clients hold it against what
 * they saw, and docs/providers.md is made of it. Chat with the first three is not in it: each is tried with
 * every provider that has it.
 */
import done from "./done.json" with { type: "json" };

export type Done = Readonly<Record<string, readonly string[]>>;

export type ClientName = keyof typeof done;

export const DONE: Readonly<Record<ClientName, Done>> = done;

type Pair = { readonly servedBy: string; readonly task: string };

/** Tasks by who served them, in the order of the alphabet. */
export function doneOf(pairs: Iterable<Pair>): Done {
  const byProvider = Map.groupBy(pairs, ({ servedBy }) => servedBy);
  const sorted = [...byProvider].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([provider, of]) => [provider, [...new Set(of.map(({ task }) => task))].sort()]),
  );
}
