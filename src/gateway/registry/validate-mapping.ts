/**
 * Validates one mapping by asking for it as any caller would: chosen, held for, sent, metered and settled by the same
 * code, and billed to the operator. What callers would get is what is judged.
 */

import type { Mapping } from "../../catalog/model.js";
import type { Finding } from "../../catalog/validation.js";
import {
  CHAT,
  STREAMED,
  STRUCTURED_OUTPUT,
  speedOf,
  TOOL_CALLING,
} from "../../conformance/chat-checks.js";
import {
  type ChatBody,
  PLAIN,
  STREAM,
  STRUCTURED,
  TOKENS,
  TOOLS,
} from "../../conformance/chat-probes.js";
import { saysSomething, totalFault } from "../../conformance/chat-shapes.js";
import { type Answered, type Check, type Judgment, judged } from "../../conformance/check.js";
import { smallInput, TASK } from "../../conformance/task-check.js";
import { PROBE_ANSWER_BYTES_MAX, PROBE_MS } from "../../kernel/limits.js";
import { spanOf } from "../../kernel/span.js";
import { askedOf, expectedOf } from "../../metering/asked.js";
import { priceFault } from "../../metering/priceable.js";
import type { Caller } from "../../tenants/caller.js";
import { parseChatRequest } from "../../wire/chat-request.js";
import { NO_CONTROLS } from "../../wire/route-controls.js";
import { dataOf, EventSplitter, utf8Of } from "../../wire/sse.js";
import { taskAnswer } from "../../wire/task-answer.js";
import { serveChat } from "../chat/chat.js";
import type { Call, Gateway } from "../parts.js";
import { type Reply, responseOf } from "../reply.js";
import { durationMsOf } from "../task/measure.js";
import { serveTask } from "../task/task.js";
import {
  answered,
  brokenOff,
  claimOf,
  resultsOf,
  type Tried,
  unanswered,
  verdictOf,
} from "./tried.js";

/** As they were written: those of the store and of registered providers, or all; with a key of the operator's and a price. */
export function mappingsToValidate(
  { catalog, providers }: Gateway,
  which: "none" | "registered" | "all",
): readonly Mapping[] {
  if (which === "none") return [];
  const chosen: Mapping[] = [];
  for (const { mappings } of catalog.all()) {
    for (const mapping of mappings) {
      const configured = providers.get(mapping.provider);
      if (!configured || configured.provider.id === EMBEDDED) continue;
      // The operator pays for those that have gone live, and not for whatever somebody registers.
      if (configured.isForItsOrg) continue;
      const isRegistered = mapping.id !== undefined || configured.orgId !== undefined;
      if (which === "registered" && !isRegistered) continue;
      if (configured.key === undefined && configured.provider.needsKey) continue;
      const isCharged = !mapping.isFree && priceFault(mapping.task, mapping.price) === undefined;
      if (mapping.isFree || isCharged) chosen.push(catalog.stated(mapping));
    }
  }
  return chosen;
}

/** It answers from this machine, and would load every model for it. */
const EMBEDDED = "embedded";

type Asking = {
  readonly gateway: Gateway;
  readonly caller: Caller;
  readonly mapping: Mapping;
  /** Aborts when this process ends. */
  readonly signal: AbortSignal;
};

/** Never throws for anything the provider does. */
export async function validateMapping(asking: Asking): Promise<Finding> {
  const { task } = asking.mapping;
  return task === "conversational" ? validateChat(asking) : validateTask(asking, task);
}

async function validateChat(asking: Asking): Promise<Finding> {
  const plain = await twice(() => tryChat(asking, CHAT, PLAIN, TOKENS.plain));
  // Whoever is not there need not be asked in four ways.
  if (plain.reached.verdict !== "passed") return findingOf(plain, [plain], []);
  const stream = await twice(() => tryChat(asking, STREAMED, WITH_USAGE, TOKENS.stream));
  const needed = [plain, stream];
  if (verdictOf(needed) !== "passed") return findingOf(plain, needed, [stream]);
  const tools = await tryChat(asking, TOOL_CALLING, TOOLS, TOKENS.tools);
  const form = await tryChat(asking, STRUCTURED_OUTPUT, STRUCTURED, TOKENS.structured);
  return {
    ...findingOf(plain, needed, [stream, tools, form]),
    ...(stream.answer && speedOf(stream.answer)),
    ...{ tools: claimOf(tools), structuredOutput: claimOf(form) },
  };
}

/** `needed`: what it cannot do without; `more`: what was tried after the first. */
const findingOf = (first: Tried, needed: readonly Tried[], more: readonly Tried[]): Finding => ({
  ...{ verdict: verdictOf(needed), firstTokenMs: undefined, throughput: undefined },
  ...{ tools: undefined, structuredOutput: undefined, checks: resultsOf(first, more) },
});

/** Our own streams tell usage to whoever asks for it, as those of providers do. */
const WITH_USAGE: ChatBody = { ...STREAM, stream_options: { include_usage: true } };

/** One failure may be chance. */
async function twice(attempt: () => Promise<Tried>): Promise<Tried> {
  const first = await attempt();
  return first.judgment.verdict === "failed" ? attempt() : first;
}

function tryChat(asking: Asking, check: Check, body: ChatBody, max_tokens: number): Promise<Tried> {
  const { gateway, mapping } = asking;
  const text = JSON.stringify({ model: "model", ...body, max_tokens });
  const request = { ...parseChatRequest(spanOf(text)), ...pinnedTo(mapping) };
  return tried(
    asking,
    check,
    (call) => serveChat(gateway, { ...call, request }),
    (answer) => check.judge(answer, NOBODY, NOTHING_SEEN),
  );
}

/** The checks that are used here look at answers alone. */
const NOBODY = {} as Parameters<Check["judge"]>[1];
const NOTHING_SEEN = new Map();

const pinnedTo = ({ modelId, provider }: Mapping) => ({ model: modelId, suffix: provider });

async function validateTask(
  asking: Asking,
  task: Exclude<Mapping["task"], "conversational">,
): Promise<Finding> {
  const { gateway, mapping } = asking;
  const adapter = gateway.providers.get(mapping.provider)?.provider.tasks[task];
  const input = smallInput(task, adapter ?? {});
  const isSound = input.media?.type.startsWith("audio/");
  const audioMs = input.media && isSound ? await durationMsOf(input.media) : undefined;
  const asked = askedOf(task, input, 1, audioMs);
  const request = {
    ...{ ...pinnedTo(mapping), controls: NO_CONTROLS, isStream: false, tasks: [task] },
    ...{ input, asked, expected: expectedOf(task, asked), wantsUrls: false, count: 1 },
    write: (delivered: Parameters<typeof taskAnswer>[1]) => taskAnswer(task, delivered, null),
  };
  // What comes out of it was read by the task's adapter: there is nothing to judge but how long it took.
  const once = () =>
    tried(
      asking,
      TASK,
      (call) => serveTask(gateway, { ...call, request }),
      ({ ms }) => judged(totalFault(ms)),
    );
  const last = await twice(once);
  return { ...findingOf(last, [last], []), firstTokenMs: last.answer?.ms };
}

async function tried(
  { gateway, caller, signal }: Asking,
  check: Check,
  serve: (call: Omit<Call, "request">) => Promise<Reply>,
  judge: (answer: Answered) => Judgment,
): Promise<Tried> {
  const { clock, newId } = gateway;
  const startedAt = clock.elapsed();
  const timed = AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]);
  const call = {
    ...{ id: newId(), caller, headerKey: undefined, tags: [], isProbe: true },
    ...{ sender: { signal: timed }, at: clock.now(), startedAt, admission: undefined },
  };
  try {
    const answer = await read(gateway, responseOf(await serve(call)), startedAt);
    return answered(check, answer, judge(answer));
  } catch (thrown) {
    return signal.aborted ? brokenOff(check) : unanswered(check, thrown, timed.aborted);
  }
}

async function read({ clock }: Gateway, response: Response, startedAt: number): Promise<Answered> {
  const parts: Uint8Array[] = [];
  const splitter = new EventSplitter();
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  let firstTokenMs: number | undefined;
  let length = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += part.byteLength;
    if (length > PROBE_ANSWER_BYTES_MAX) throw new RangeError("the answer is too long");
    parts.push(part);
    if (!isStream || firstTokenMs !== undefined) continue;
    const events = splitter.push(Buffer.from(part));
    if (events.some((event) => saysSomething(utf8Of(dataOf(event))))) {
      firstTokenMs = clock.elapsed() - startedAt;
    }
  }
  const bytes = Buffer.concat(parts);
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    bytes,
    text: bytes.toString("utf8"),
    ms: clock.elapsed() - startedAt,
    firstTokenMs,
  };
}
