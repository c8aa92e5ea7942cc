/** Runs one task at one provider to its end: sends, waits, asks again, fetches what the answer points to. */
import { badRequest, RouterError } from "../../kernel/errors.js";
import {
  JOB_ASK_MS_MAX,
  JOB_ASK_MS_MIN,
  JOB_ASKS_FAILED_MAX,
  JOB_ASKS_MAX,
} from "../../kernel/limits.js";
import { ZERO } from "../../kernel/money.js";
import type { ProviderReply, Step } from "../../providers/provider.js";
import { at, MalformedReply } from "../../providers/reply.js";
import type { Delivered, TaskOutput } from "../../tasks/task-call.js";
import { type Reported, sumOfReported, sumOfUsages, type Usage } from "../../tasks/usage.js";
import { awaiterFor } from "../attempts.js";
import { BrokenUploadError } from "../client/upload.js";
import { TimeLimitError } from "../deadline.js";
import { type Failure, whyOf } from "../failure.js";
import type { Gateway } from "../parts.js";
import { ForbiddenUrlError } from "../registry/public-address.js";
import { keyFor } from "../route/candidates.js";
import { configuredFor, type Turn, targetFor, taskAdapterFor } from "../turn.js";
import { DownloadError } from "./download.js";
import { type Asking, exchangeWith } from "./task-exchange.js";
import { deliveredOf, fetched } from "./task-media.js";
import type { TaskCall } from "./task-request.js";

export type TaskAnswer = Sent & {
  /** What was delivered, with what is behind its links where the cost depends on it. */
  readonly looked: Delivered;
};

type Sent = {
  readonly kind: "task";
  readonly delivered: Delivered;
  /** As the provider counted it, where it did. */
  readonly usage: Usage | undefined;
  /** What the provider's answers say of the cost, all together. */
  readonly reported: Reported | undefined;
  /** Of its headers, those that callers may look for. */
  readonly headers: Readonly<Record<string, string>>;
};

/** What hf-inference says of its work. */
const TOLD_ON = ["x-compute-type", "x-compute-time", "x-compute-characters", "x-sha"];

function toldBy({ header }: ProviderReply): Record<string, string> {
  const told: Record<string, string> = {};
  for (const name of TOLD_ON) {
    const value = header(name);
    if (value !== undefined) told[name] = value;
  }
  return told;
}

type Done = Extract<Step, { kind: "done" }> & { readonly reply: ProviderReply };

/** Whether the provider works on something by now, which goes on whoever waits for it. */
type Job = { isBegun: boolean };

/** Never throws for anything the provider does. */
export async function sendTask(
  gateway: Gateway,
  call: TaskCall,
  turn: Turn,
): Promise<TaskAnswer | Failure> {
  const answer = await sendUntilDone(gateway, call, turn);
  const isSpent = call.request.input.upload?.isBegun === true;
  return answer.kind === "failed" && isSpent ? { ...answer, isFinal: true } : answer;
}

async function sendUntilDone(
  gateway: Gateway,
  call: TaskCall,
  turn: Turn,
): Promise<TaskAnswer | Failure> {
  const asking: Asking = {
    gateway,
    call,
    turn,
    configured: configuredFor(gateway, turn.candidate),
    key: keyFor(gateway, call, turn.candidate),
    onHead: awaiterFor(gateway, call, turn.candidate),
  };
  const job: Job = { isBegun: false };
  try {
    const first = await sendOnce(asking, call, job);
    const answer = first.kind === "failed" ? first : await sendMore(asking, call, job, first);
    turn.time?.stop();
    if (answer.kind === "failed") return answer;
    tryToWrite(call, answer);
    const { delivered, reported } = answer;
    return { ...answer, looked: await deliveredOf(asking, delivered, reported !== undefined) };
  } catch (thrown) {
    const failure = failureOf(turn, thrown);
    return job.isBegun ? { ...failure, owed: call.request.expected } : failure;
  }
}

async function sendOnce(asking: Asking, call: TaskCall, job: Job): Promise<Sent | Failure> {
  const done = await untilDone(asking, call, job);
  if (done.kind === "failed") return done;
  const delivered = await deliver(asking, done.output, call.request.wantsUrls);
  const { header, json } = done.reply;
  const adapter = taskAdapterFor(asking.gateway, asking.turn.candidate, call.request.tasks[0]);
  const reported = adapter.reported?.({ header, member: (name) => at(json, name) });
  return { kind: "task", delivered, usage: done.usage, reported, headers: toldBy(done.reply) };
}

/** An answer that cannot be written in the caller's form is none, and nobody is charged for it. */
function tryToWrite({ id, at: askedAt, request }: TaskCall, { delivered }: Sent): void {
  const facts = { id, model: request.model, at: askedAt, usage: request.expected, cost: ZERO };
  try {
    request.write(delivered, facts);
  } catch (thrown) {
    // It says what is wrong with it, and another provider of the same model would answer the same.
    if (thrown instanceof RouterError) throw thrown;
    throw new MalformedReply("not what the caller asked for", { cause: thrown });
  }
}

/** Asks again for what is missing of several results. */
async function sendMore(
  asking: Asking,
  call: TaskCall,
  job: Job,
  first: Sent,
): Promise<Sent | Failure> {
  let answer = first;
  while (answer.delivered.kind === "media" && answer.delivered.media.length < call.request.count) {
    const next = await sendOnce(asking, call, job);
    if (next.kind === "failed") return next;
    // A provider that suddenly answers with something else has nothing to add.
    if (next.delivered.kind !== "media") break;
    const media = [...answer.delivered.media, ...next.delivered.media];
    answer = {
      ...next,
      delivered: { kind: "media", media },
      usage: answer.usage && next.usage && sumOfUsages(answer.usage, next.usage),
      reported: sumOfReported(answer.reported, next.reported),
    };
  }
  return answer;
}

async function untilDone(asking: Asking, call: TaskCall, job: Job): Promise<Done | Failure> {
  const { gateway, turn } = asking;
  const adapter = taskAdapterFor(gateway, turn.candidate, call.request.tasks[0]);
  const target = targetFor(turn.candidate);
  let request = adapter.start(call.request.input, target);
  let failedInARow = 0;
  for (let asked = 0; asked < JOB_ASKS_MAX; asked++) {
    const reply = await exchangeWith(asking, request);
    if (isFailure(reply)) {
      // The job itself goes on; only a question about it went unanswered.
      if (!job.isBegun || !isPassing(reply) || ++failedInARow >= JOB_ASKS_FAILED_MAX) return reply;
      await pause(asking, JOB_ASK_MS_MAX);
      continue;
    }
    failedInARow = 0;
    const step = adapter.next(reply, target);
    if (step.kind === "done") return { ...step, reply };
    if (step.kind === "failed") return jobFailed(step.message);
    job.isBegun = true;
    request = step.request;
    await pause(asking, step.afterMs);
  }
  return { kind: "failed", why: "timeout" };
}

const isFailure = (reply: ProviderReply | Failure): reply is Failure => "kind" in reply;

const isPassing = ({ why }: Failure): boolean => why === "429" || why.startsWith("5");

function jobFailed(message: string): Failure {
  const said = message.slice(0, 500);
  const rejection = new RouterError("provider_rejected", `The provider could not do it: ${said}`, {
    status: 422,
  });
  return { kind: "failed", why: "job_failed", rejection };
}

/** Ends early, and throws, when the attempt is stopped. */
export function pause(
  { gateway: { clock }, turn: { deadline } }: Asking,
  ms: number,
): Promise<void> {
  deadline.pause();
  return new Promise((resolve, reject) => {
    deadline.stops({ stop: reject });
    const waitMs = Math.min(Math.max(ms, JOB_ASK_MS_MIN), JOB_ASK_MS_MAX);
    void clock.sleep(waitMs).then(resolve);
  });
}

async function deliver(asking: Asking, output: TaskOutput, wantsUrls: boolean): Promise<Delivered> {
  if (output.kind === "json") return output;
  if (output.kind === "media" && wantsUrls) return output;
  const media = await Promise.all(output.media.map((source) => fetched(asking, source)));
  return output.kind === "media"
    ? { kind: "media", media }
    : { kind: "json", json: output.toJson(media) };
}

function failureOf({ deadline }: Turn, thrown: unknown): Failure {
  // What an adapter cannot honour it refuses by name; somebody else may be able to.
  if (thrown instanceof RouterError) {
    return { kind: "failed", why: "unsupported", rejection: thrown };
  }
  const reason: unknown = deadline.reason ?? thrown;
  if (isUploadsFault(reason)) return { kind: "failed", why: "upload", rejection: brokenUpload() };
  if (deadline.isStopped) return { kind: "failed", why: whyOf(reason) };
  if (thrown instanceof MalformedReply) return { kind: "failed", why: "malformed" };
  if (thrown instanceof DownloadError || thrown instanceof ForbiddenUrlError) {
    return { kind: "failed", why: "no_result" };
  }
  return { kind: "failed", why: whyOf(thrown) };
}

const isUploadsFault = (reason: unknown): boolean =>
  reason instanceof BrokenUploadError ||
  (reason instanceof TimeLimitError && reason.limit === "upload");

const brokenUpload = (): RouterError => badRequest("The body broke off, or stopped coming.");
