/** Runs the conformance checks on one provider, one after the other, and writes the report. */

import { CHAT_CHECKS } from "../../conformance/chat-checks.js";
import type { ChatBody } from "../../conformance/chat-probes.js";
import {
  type Answered,
  type Check,
  jsonOf,
  type Observed,
  type Sendable,
  type Subject,
  skipped,
} from "../../conformance/check.js";
import { type Finding, findingOf, type Report } from "../../conformance/report.js";
import { isOutOfReach, SERVICE_CHECKS } from "../../conformance/service-checks.js";
import { smallInput, TASK } from "../../conformance/task-check.js";
import { bytesOf } from "../../kernel/content.js";
import { assert, RouterError } from "../../kernel/errors.js";
import { CHECK_AGAIN_MAX, CHECK_AGAIN_MS } from "../../kernel/limits.js";
import { printTime } from "../../kernel/print-time.js";
import { spanOf } from "../../kernel/span.js";
import type { Provider, Step, TaskAdapter } from "../../providers/provider.js";
import type { Task } from "../../tasks/index.js";
import type { TaskInput } from "../../tasks/task-call.js";
import { parseChatRequest } from "../../wire/chat-request.js";
import { chatUpstreamRequest } from "../chat/upstream-request.js";
import type { ConfiguredProvider } from "../parts.js";
import { mediaTypeOf } from "../task/download.js";
import { printBody } from "../task/task-body.js";
import { type Observing, observe } from "./observe.js";

export type Tried = {
  readonly task: Task;
  /** The provider's own name for it. */
  readonly providerModel: string;
  /** Milliseconds UTC. */
  readonly at: number;
};

/** Throws `bad_request` for a task that the provider has no route for. */
export async function runConformance(
  observing: Observing,
  configured: ConfiguredProvider,
  tried: Tried,
): Promise<Report> {
  const subject = subjectOf(configured, tried);
  const seen = new Map<string, Observed>();
  const shown = [subject.requestIdHeader];
  const checks: Finding[] = [];
  for (const check of checksFor(tried.task)) {
    const ran = await run(observing, configured, check, subject, seen);
    checks.push(findingOf(ran, { key: configured.key, shown }));
  }
  return {
    provider: configured.provider.id,
    model: tried.providerModel,
    task: tried.task,
    at: printTime(tried.at),
    passed: checks.every(({ verdict }) => verdict !== "failed"),
    checks,
  };
}

/** Undefined for one that has no list. */
function modelsUrlOf({ provider, baseUrl, modelsUrl }: ConfiguredProvider): string | undefined {
  return modelsUrl ?? (provider.listing && baseUrl + provider.listing.path);
}

const checksFor = (task: Task): readonly Check[] => [
  ...SERVICE_CHECKS.before,
  ...(task === "conversational" ? CHAT_CHECKS : [TASK]),
  ...SERVICE_CHECKS.after,
];

async function run(
  observing: Observing,
  configured: ConfiguredProvider,
  check: Check,
  subject: Subject,
  seen: Map<string, Observed>,
) {
  if (isOutOfReach(seen)) return { check, probe: undefined, observed: undefined, judgment: NOBODY };
  const probe = check.probe(subject, seen);
  let observed = probe && (await observe(observing, configured, probe));
  for (let again = 0; probe && observed && again < CHECK_AGAIN_MAX; again++) {
    if (!check.isTooEarly?.(observed)) break;
    await observing.clock.sleep(CHECK_AGAIN_MS, observing.signal);
    observed = await observe(observing, configured, probe);
  }
  if (observed) seen.set(check.name, observed);
  return { check, probe, observed, judgment: check.judge(observed, subject, seen) };
}

const NOBODY = skipped("it cannot be reached");

/** What the gateway itself would send, but for the bounds. */
function subjectOf(configured: ConfiguredProvider, { task, ...tried }: Tried): Subject {
  const { provider, baseUrl, billing } = configured;
  const place = (path: string): string => `${baseUrl}${path}`;
  if (provider.tasks[task] === undefined) {
    throw new RouterError("bad_request", `${provider.id} has no route for ${task}.`, {
      param: "task",
    });
  }
  return {
    task,
    providerModel: tried.providerModel,
    requestIdHeader: billing?.requestIdHeader ?? provider.requestIdHeader ?? "x-request-id",
    billingUrl: billing?.url,
    modelsUrl: modelsUrlOf(configured),
    // Whoever joins by themselves keeps to the form that all can read.
    readList: configured.orgId === undefined ? provider.listing?.read : undefined,
    chat: (asked, maxTokens) => chatRequest(configured, tried.providerModel, asked, maxTokens),
    small: () => smallRequest(configured, task, tried.providerModel, place),
    read: (answer) => readSmall(configured, task, tried.providerModel, answer),
  };
}

function chatRequest(
  { provider, baseUrl }: ConfiguredProvider,
  providerModel: string,
  asked: ChatBody,
  maxTokens: number,
): Sendable {
  const adapter = provider.tasks.conversational;
  if (!adapter) throw noRoute(provider.id, "conversational");
  const written = { model: "model", ...asked, [adapter.maxTokensName]: maxTokens };
  const request = parseChatRequest(spanOf(JSON.stringify(written)));
  const target = { providerModel, clampedTo: undefined };
  const upstream = chatUpstreamRequest(provider, adapter, request, target);
  const headers = { ...upstream.headers, "content-type": "application/json" };
  const body = Buffer.from(bytesOf(upstream.body)).toString("utf8");
  return {
    method: "POST",
    url: `${baseUrl}${upstream.path}`,
    headers,
    body,
  };
}

function smallRequest(
  { provider }: ConfiguredProvider,
  task: Task,
  providerModel: string,
  place: (path: string) => string,
): Sendable {
  const adapter = adapterOf(provider, task);
  const request = adapter.start(inputOf(task, adapter), targetOf(providerModel));
  const { method, path, headers, body: written } = request;
  const { type, body } = printBody(written, "turnpike-conformance");
  const typed = type === undefined ? {} : { "content-type": type };
  return { method, url: place(path), headers: { ...headers, ...typed }, body };
}

function adapterOf({ id, tasks }: Provider, task: Task): TaskAdapter {
  const adapter = task === "conversational" ? undefined : tasks[task];
  if (!adapter) throw noRoute(id, task);
  return adapter;
}

function inputOf(task: Task, adapter: TaskAdapter): TaskInput {
  assert(task !== "conversational", "chat has probes of its own");
  return smallInput(task, adapter);
}

function readSmall(
  { provider }: ConfiguredProvider,
  task: Task,
  providerModel: string,
  { status, header, bytes, text }: Answered,
): Step {
  const adapter = adapterOf(provider, task);
  const request = adapter.start(inputOf(task, adapter), targetOf(providerModel));
  const type = mediaTypeOf(header("content-type"));
  const reply = { request, status, header, type, bytes, json: jsonOf(text) };
  return adapter.next(reply, targetOf(providerModel));
}

const targetOf = (providerModel: string) => ({
  providerModel,
  modelId: providerModel,
  loraWeights: undefined,
});

const noRoute = (provider: string, task: Task): Error =>
  new Error(`${provider} has no route for ${task}`);
