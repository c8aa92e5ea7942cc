/** Requests on a provider's own wire, as one kind of request. */

import type { NanoUsd } from "../../kernel/money.js";
import type { JobLook } from "../../ledger/late-cost.js";
import type { ProviderReply, ProviderRequest, Step } from "../../providers/provider.js";
import type { Candidate } from "../../routing/policy.js";
import type { Delivered } from "../../tasks/task-call.js";
import { computeTime, type Reported, type Usage } from "../../tasks/usage.js";
import { answerHeaders, type Facts } from "../answer-headers.js";
import { awaiterFor } from "../attempts.js";
import type { ResponseHead } from "../client/response-head.js";
import { type Failure, judgeStatus, refusedFor, whyOf } from "../failure.js";
import type { Kind } from "../kind.js";
import type { Held } from "../money/hold.js";
import { withTime } from "../money/paid-time.js";
import { settle, settleNothing } from "../money/settle.js";
import type { Gateway } from "../parts.js";
import type { Reply } from "../reply.js";
import { keyFor } from "../route/candidates.js";
import type { Wish } from "../route/eligible.js";
import { serve } from "../serve.js";
import { noteSpeed } from "../standing.js";
import { type Asking, begin, readReply } from "../task/task-exchange.js";
import { holdTaskAtOnce, holdTaskFor, taskTokens, taskTokensMost } from "../task/task-hold.js";
import { deliveredOf } from "../task/task-media.js";
import { usageOfTask } from "../task/task-usage.js";
import { configuredFor, type Turn, taskAdapterFor } from "../turn.js";
import { answerAs } from "./answer.js";
import { offerNote } from "./job-offer.js";
import type { Jobs } from "./jobs.js";
import { lastLook } from "./last-look.js";
import type { PassCall } from "./request.js";
import { stepOf } from "./step.js";

/** Answers as the provider did, or throws the RouterError that ends the request. */
export const servePass = (gateway: Gateway, jobs: Jobs, call: PassCall): Promise<Reply> =>
  serve(gateway, call, passKind(jobs));

/** An answer as it came, whatever its status. */
export type PassAnswer = {
  readonly kind: "passed";
  readonly reply: ProviderReply;
  readonly head: ResponseHead;
  /** What it means; undefined for a refusal, and for what the adapter cannot read. */
  readonly step: Step | undefined;
  /** Undefined where none was seen. */
  readonly result: Result | undefined;
};

/** What a result says of its cost. */
type Result = {
  readonly delivered: Delivered;
  readonly usage: Usage | undefined;
  readonly reported: Reported | undefined;
};

const wish: Wish<PassCall> = {
  tasks: ({ request: { mapping } }) => [mapping.task],
  isServed: ({ tasks }, task) => tasks[task] !== undefined,
  fault: ({ request }, { providerModel }) =>
    providerModel === request.mapping.providerModel ? undefined : "another of its models",
  doubt: () => undefined,
  // Its body is what the provider itself wants, so there is nothing that it would leave out.
  unmet: () => undefined,
  expectedUsage: (_, { request: { expected } }) => ({
    ...expected,
    measured: { ...expected.measured, ...computeTime(0) },
  }),
};

const passKind = (jobs: Jobs): Kind<PassCall, PassAnswer> => ({
  wish,
  tokens: (_, { request }) => taskTokens(request.mapping.task, request, request.text),
  tokensMost: (_, { request }) => taskTokensMost(request.mapping.task, request),
  holdAtOnce: holdTaskAtOnce,
  holdFor: holdTaskFor,
  send,
  leftOut: () => [],
  headOf: ({ head }) => head,
  isShort: () => false,
  verdict: ({ clock }, { head }) =>
    head.status === 429 || head.status >= 500 ? refusedFor(head, clock) : "succeeded",
  answer: (gateway, call, turn, facts, answered) =>
    answer(gateway, jobs, call, turn, facts, answered),
});

async function send(gateway: Gateway, call: PassCall, turn: Turn): Promise<PassAnswer | Failure> {
  const { candidate, deadline } = turn;
  const isOwnKey = candidate.keySource !== "operator";
  const asking: Asking = {
    gateway,
    call,
    turn,
    configured: configuredFor(gateway, candidate),
    key: keyFor(gateway, call, candidate),
    onHead: awaiterFor(gateway, call, candidate),
  };
  const { upstream } = call.request;
  try {
    const exchange = await begin(asking, upstream);
    const { head } = exchange;
    if (!head) return { kind: "failed", why: "malformed" };
    const reading = { head, exchange };
    // What is between the operator and the provider is none of the caller's business.
    if (!isOwnKey && [401, 402, 403].includes(head.status)) {
      const { clock, limits } = gateway;
      return await judgeStatus({ deadline, limits, clock, isOwnKey, key: asking.key }, reading);
    }
    if (head.status < 300) asking.onHead?.(head);
    const reply = await readReply(asking, upstream, reading);
    turn.time?.stop();
    const step = stepOf(gateway, candidate, reply);
    const seen = (await lastLook(asking, step)) ?? { reply, step };
    return { kind: "passed", reply, head, step, result: await resultOf(asking, seen) };
  } catch (thrown) {
    return { kind: "failed", why: whyOf(deadline.reason ?? thrown) };
  }
}

/** What an answer came to; undefined while there is no result. Fetches files where their size is charged. */
export async function resultOf(
  asking: Asking,
  { reply, step }: { readonly reply: ProviderReply; readonly step: Step | undefined },
): Promise<Result | undefined> {
  if (step?.kind !== "done") return undefined;
  const reported = reportedBy(asking.gateway, asking.turn.candidate, reply);
  const delivered = await deliveredOf(asking, step.output, reported !== undefined);
  return { delivered, usage: step.usage, reported };
}

function answer(
  gateway: Gateway,
  jobs: Jobs,
  call: PassCall,
  turn: Turn,
  facts: Facts,
  passed: PassAnswer,
): Promise<Reply> {
  turn.deadline.end();
  const { reply, step } = passed;
  return reply.status >= 300 || step?.kind === "failed"
    ? answerFailed(gateway, call, turn, facts, passed)
    : answerServed(gateway, jobs, call, turn, facts, { ...passed, step });
}

type Served = PassAnswer & { readonly step: Exclude<Step, { kind: "failed" }> | undefined };

/** A refusal goes to the caller as it came, and costs nothing. */
async function answerFailed(
  gateway: Gateway,
  call: PassCall,
  { candidate, held }: Turn,
  facts: Facts,
  { reply, head }: PassAnswer,
): Promise<Reply> {
  gateway.book.release(held.hold);
  const ending = { status: reply.status, outcome: "failed", way: facts } as const;
  await settleNothing(gateway, call, candidate, ending);
  return answerAs(reply, head, answerHeaders(gateway, call, facts));
}

async function answerServed(
  gateway: Gateway,
  jobs: Jobs,
  call: PassCall,
  turn: Turn,
  facts: Facts,
  { reply, head, step, result }: Served,
): Promise<Reply> {
  const { candidate, held, sentAt } = turn;
  const { asked, expected, text } = call.request;
  if (result) {
    const tokens = result.usage?.outputTokens ?? 0;
    noteSpeed(gateway, candidate, { tokens, totalMs: facts.answeredAt - sentAt });
  }
  const begun = step?.kind === "send" && !result ? step.request : undefined;
  // A job that has only begun is charged as what it was asked for, until its result is seen.
  const used = result ? await usageOfTask(asked, candidate, result, text) : expected;
  const cost = await settle(gateway, call, candidate, held, {
    usage: begun ? withHeldTime(used, held) : withTime(used, turn.time),
    reported: result?.reported,
    status: reply.status,
    outcome: "served",
    firstByteMs: Math.round(facts.answeredAt - sentAt),
    way: facts,
  });
  if (step?.job !== undefined) {
    rememberJob(gateway, jobs, call, candidate, { job: step.job, cost, request: begun });
  }
  return answerAs(reply, head, answerHeaders(gateway, call, facts, cost));
}

/** Begun, a job has taken no time yet; as much as was held for stands until its provider has told. */
const withHeldTime = (usage: Usage, { computeMs }: Held): Usage =>
  computeMs === undefined
    ? usage
    : { ...usage, measured: { ...usage.measured, ...computeTime(computeMs) } };

function reportedBy(
  gateway: Gateway,
  candidate: Candidate,
  { header, json }: ProviderReply,
): Reported | undefined {
  const member = (name: string): unknown =>
    typeof json === "object" && json !== null ? Reflect.get(json, name) : undefined;
  return taskAdapterFor(gateway, candidate).reported?.({ header, member });
}

function rememberJob(
  { spool, clock, providers }: Gateway,
  jobs: Jobs,
  { id, caller, request: { asked } }: PassCall,
  { mapping }: Candidate,
  { job, cost, request }: Begun,
): void {
  const { provider, task, modelId } = mapping;
  const { bucketIds } = caller;
  const at = clock.now();
  const look: JobLook | undefined = request && {
    ...{ path: request.path, host: request.host, asked },
    offer: offerNote(mapping),
  };
  // Where the provider has a billing endpoint its own id of the request is awaited already.
  if (!providers.get(provider)?.billing) {
    const awaited = { requestId: id, provider, providerRequestId: job, bucketIds, at };
    spool.awaits({ ...awaited, job: look ?? "known" });
  }
  jobs.remember({
    ...{ provider, job, requestId: id, userId: caller.user.id, bucketIds },
    ...{ model: modelId, task, begunAt: at, cost, isSettled: look === undefined, look },
  });
}

type Begun = {
  readonly job: string;
  readonly cost: NanoUsd;
  /** How it is asked for; undefined where its result is there already. */
  readonly request: ProviderRequest | undefined;
};
