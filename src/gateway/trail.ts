import type { RouterError } from "../kernel/errors.js";
import { readOnce } from "../kernel/read-once.js";
import type { Candidate } from "../routing/policy.js";
import type { Failure } from "./failure.js";

/** What was tried so far of a request. */
export type Trail = {
  readonly failures: { readonly candidate: Candidate; readonly failure: Failure }[];
  /** Candidates that had their turn, whatever came of it. */
  readonly done: Candidate[];
  /** The attempt that another one came before. */
  lost: Candidate | undefined;
  /** How long the attempts that failed took. */
  failedMs: number;
  /** Why the first candidate was not tried that there was no money for. */
  refused: RouterError | undefined;
  /** The provider whose failure is final, since its retries are spent. */
  spentBy: string | undefined;
};

export const newTrail = (): Trail => ({
  failures: [],
  done: [],
  lost: undefined,
  failedMs: 0,
  refused: undefined,
  spentBy: undefined,
});

const NOTHING_TRIED: readonly string[] = [];

/** Every attempt that came to nothing, as `X-Turnpike-Route` names it: the provider, and why. */
export function triedSoFar({ failures, lost }: Trail): readonly string[] {
  if (failures.length === 0 && !lost) return NOTHING_TRIED;
  const tried = failures.map(
    ({ candidate, failure }) => `${candidate.mapping.provider}:${failure.why}`,
  );
  if (lost) tried.push(`${lost.mapping.provider}:lost`);
  return tried;
}

/** The same with the one that answered. */
export const triedUntil = (trail: Trail, provider: string): readonly string[] =>
  trail.failures.length === 0 && !trail.lost
    ? answeredAtOnce(provider)
    : [...triedSoFar(trail), answeredBy(provider)];

const answeredBy = (provider: string): string => `${provider}:200`;
/** Nearly all requests are answered by whom they were sent to first. */
const answeredAtOnce = readOnce((provider): readonly string[] => [answeredBy(provider)]);
