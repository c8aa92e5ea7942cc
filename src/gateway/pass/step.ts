/** What a provider's answer on its own wire means to us. */
import type { ProviderReply, Step } from "../../providers/provider.js";
import { MalformedReply } from "../../providers/reply.js";
import type { Candidate } from "../../routing/policy.js";
import type { Gateway } from "../parts.js";
import { targetFor, taskAdapterFor } from "../turn.js";

/** The adapter of the task reads it as it reads the answers to its own requests. */
export function stepOf(
  gateway: Gateway,
  candidate: Candidate,
  reply: ProviderReply,
): Step | undefined {
  if (reply.status >= 300) return undefined;
  try {
    return taskAdapterFor(gateway, candidate).next(reply, targetFor(candidate));
  } catch (thrown) {
    if (thrown instanceof MalformedReply) return undefined;
    throw thrown;
  }
}

/** Refusals that say nothing of the job: whoever asked may ask again. */
const PASSING = [401, 403, 404, 408, 409, 425, 429, 502, 503, 504];

/** Whether an answer is the end of the job: it is refused, and asking again would change nothing. */
export const isRefusal = ({ status }: ProviderReply): boolean =>
  status >= 400 && !PASSING.includes(status);
