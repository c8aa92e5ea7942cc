/** Questions about a job, passed on for whoever began it; the first one that sees the result settles it. */

import { CANCEL_LOOK_MS } from "../../kernel/limits.js";
import type { ProviderReply, ProviderRequest } from "../../providers/provider.js";
import type { Candidate } from "../../routing/policy.js";
import { idHeaders } from "../answer-headers.js";
import type { ResponseHead } from "../client/response-head.js";
import { Deadline } from "../deadline.js";
import { exhausted } from "../exhausted.js";
import { type Failure, whyOf } from "../failure.js";
import type { Call } from "../parts.js";
import type { Answer } from "../read-answer.js";
import { type Reply, type Sink, StreamReply } from "../reply.js";
import { type Asking, begin, readReply } from "../task/task-exchange.js";
import { configuredFor } from "../turn.js";
import { answerAs, headersAs } from "./answer.js";
import { type Looking, lookAtJob } from "./look.js";
import { settleJob } from "./settle-job.js";
import { isRefusal, stepOf } from "./step.js";

export type Poll = Looking & { readonly call: Call };

/** Answers as the provider did. Throws a RouterError where it does not answer. */
export async function servePoll(poll: Poll, upstream: ProviderRequest): Promise<Reply> {
  const { gateway, call, mapping, key, keySource } = poll;
  const { clock, limits } = gateway;
  const endsAt = call.startedAt + limits.totalMs;
  const deadline = new Deadline(clock, call.sender, endsAt, limits.totalMs);
  const candidate: Candidate = { mapping, keySource, expectedCost: 0, doubt: undefined };
  const now = clock.elapsed();
  const turn = { candidate, deadline, time: undefined, begunAt: now, sentAt: now };
  const configured = configuredFor(gateway, candidate);
  const asking: Asking = { gateway, call, turn, configured, key, onHead: undefined };
  try {
    const exchange = await begin(asking, upstream);
    const { head } = exchange;
    if (!head) throw new Error("an answer without a head");
    if (isOfEvents(head)) return answerEvents(poll, deadline, { head, exchange });
    const reply = await readReply(asking, upstream, { head, exchange });
    await settleAsSeen(poll, asking, reply);
    deadline.end();
    return answerAs(reply, head, new Headers(idHeaders(poll.job.requestId)));
  } catch (thrown) {
    deadline.end();
    const failure: Failure = { kind: "failed", why: whyOf(deadline.reason ?? thrown) };
    throw exhausted({ tried: [`${mapping.provider}:${failure.why}`], failures: [failure] });
  }
}

const isOfEvents = (head: ResponseHead): boolean =>
  head.status === 200 && head.get("content-type")?.startsWith("text/event-stream") === true;

/** The states of a job as they come, until it ends: its result is asked for afterwards, and that is what settles it. */
function answerEvents({ job }: Poll, deadline: Deadline, { head, exchange }: Answer): StreamReply {
  // A job may be in one state for long; the limit on the whole stays.
  deadline.pause();
  const headers = headersAs(head, new Headers(idHeaders(job.requestId)));
  return new StreamReply(head.status, headers, {
    run: (sink) => passOn(exchange, sink).finally(() => deadline.end()),
    abandon: () => deadline.stop(new Error("the caller hung up")),
  });
}

async function passOn(exchange: Answer["exchange"], sink: Sink): Promise<void> {
  for (let part = await exchange.read(); part; part = await exchange.read()) {
    sink.write(part);
    await sink.flush();
  }
  sink.close();
}

/**
 * An answer may say how the job ended. One to a wish to cancel says at most that it is granted, and a refused result may
 * only not be there yet: then the job's state is asked for.
 */
async function settleAsSeen(poll: Poll, asking: Asking, reply: ProviderReply): Promise<void> {
  const step = stepOf(poll.gateway, asking.turn.candidate, reply);
  const isWish = reply.request.method !== "GET";
  const ended = step?.kind === "failed" || (step?.kind === "done" && !isWish) ? step : undefined;
  if (ended) {
    await poll.jobs.settleOnce(poll.job, () => settleJob(poll, asking, { reply, step: ended }));
  } else if (isWish ? reply.status < 300 : isRefusal(reply)) {
    await lookAtJob(poll, poll.call.sender, CANCEL_LOOK_MS);
  }
}
