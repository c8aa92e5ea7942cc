import type { RouterError } from "../kernel/errors.js";
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
