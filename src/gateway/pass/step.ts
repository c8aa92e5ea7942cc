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
