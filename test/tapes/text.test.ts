/** Recordings of tasks other than chat, through the adapters: what is asked today, and what becomes of the answer. */
import { describe, expect, test } from "bun:test";
import { getProviderHelper } from "@huggingface/inference";
import { builtInProviders } from "../../src/config/providers.js";
import type { Provider, ProviderReply, ProviderRequest } from "../../src/providers/provider.js";
import { type OtherTask, taskAdapter, writtenRequest } from "../providers/exchange-files.js";
import { hasTapes, isStream, NO_TAPES, type Tape, tapesOf, tasksOf } from "./support.js";
import { askedOn, bodyOnTape, expectedOf, isMedia, MEDIA_BYTES } from "./task-tape.js";

type TaskTape = Tape & { readonly task: OtherTask };

/** hf-inference's tasks are all here; of the others, those that answer text or numbers. */
const OTHERS = [
  ["hyperbolic", "text-generation"],
  ["sambanova", "feature-extraction"],
  ["together", "text-generation"],
] as const;

const SKIPPED_TASKS = ["conversational", "legacy-conversational"];

const tapes: readonly TaskTape[] = hasTapes
  ? [
      ...tasksOf("hf-inference")
        .filter((task) => !SKIPPED_TASKS.includes(task))
        .map((task) => ["hf-inference", task] as const),
      ...OTHERS,
    ].flatMap(([provider, task]) =>
      tapesOf(provider, task).map((tape) => ({ ...tape, task: task as OtherTask })),
    )
  : [];

const ERROR = "an error: no adapter sees it";
const STREAM = "a stream: generation.test.ts plays it";

/** What says nothing about an adapter, and why. */
const NOT_REPLAYED: Readonly<Record<string, string>> = {
  "hf-inference/js-3694ddcced22": STREAM,
  "hf-inference/js-3bc9049ff542": ERROR,
  "hf-inference/js-769bbf3fb116": ERROR,
  "hf-inference/js-b0164e2ea675": ERROR,
  "hf-inference/js-e9d288837214": ERROR,
  "hf-inference/js-e9fc55386e8e": STREAM,
  "hf-inference/py-0acfd19756a2": ERROR,
  "hf-inference/py-29fb50312ad6": ERROR,
  "hf-inference/py-769b14202703": STREAM,
  "hf-inference/py-b36cbec63256": STREAM,
  "hf-inference/py-bee54fdd6e46": ERROR,
  "hf-inference/py-c5db8421b1d4": ERROR,
  "hf-inference/py-d88596870b0d": STREAM,
  "hf-inference/py-d88596870b0d/2": STREAM,
  "hf-inference/py-d88596870b0d/3": STREAM,
  "hf-inference/py-d88596870b0d/4": STREAM,
  "hf-inference/py-fcc9640f5866": ERROR,
  "hyperbolic/js-63ed3f76e28a": ERROR,
  "together/js-38cc6beb7087": ERROR,
};

function reasonNot(tape: TaskTape): string | undefined {
  if (tape.exchange.response.status >= 400) return ERROR;
  return isStream(tape) ? STREAM : undefined;
}

if (!hasTapes) test.skip(NO_TAPES, () => {});
else describe("recordings of tasks", replayAll);

function replayAll(): void {
  test("are all replayed, but for those named here", () => {
    const left = tapes.flatMap((tape) => {
      const reason = reasonNot(tape);
      return reason ? [[tape.name, reason]] : [];
    });
    expect(Object.fromEntries(left)).toEqual(NOT_REPLAYED);
    expect(tapes.length - left.length).toBeGreaterThan(150);
  });
  for (const tape of tapes) {
    test(`${tape.name}: ${tape.task} was sent on a route that callers may use`, () => {
      expectRoute(tape);
    });
    if (reasonNot(tape)) continue;
    test(`${tape.name}: ${tape.task} says what is on tape`, () => expectReplay(tape));
  }
}

const providerOf = ({ provider }: Tape): Provider => {
  const found = builtInProviders.find(({ id }) => id === provider);
  if (!found) throw new Error(`we have no ${provider}`);
  return found;
};

/** Chat's routes are not among them. */
function expectRoute(tape: TaskTape): void {
  const path = tape.exchange.request.upstreamPath ?? "";
  if (path.endsWith("/chat/completions")) return;
  const found = providerOf(tape).routes?.find(({ path: pattern, tasks }) => {
    const parts = pattern.split(/\{model\}|\{job\}|\*/).map(RegExp.escape);
    return tasks.includes(tape.task) && new RegExp(`^${parts.join(".+")}$`).test(path);
  });
  expect({ path, method: found?.method }).toEqual({ path, method: "POST" });
}

async function expectReplay(tape: TaskTape): Promise<void> {
  const adapter = taskAdapter(providerOf(tape), tape.task);
  const target = { providerModel: tape.model, modelId: tape.model, loraWeights: undefined };
  const asked = askedOn(tape, tape.task);
  const request: ProviderRequest = asked
    ? adapter.start(asked, target)
    : { method: "POST", path: tape.exchange.request.upstreamPath ?? "" };
  if (asked && tape.task !== "text-generation" && tape.provider === "hf-inference") {
    const { body, bytes } = writtenRequest(request);
    expect<unknown>(body ?? bytes?.base64).toEqual(wantedBody(tape));
  }
  const reply = replyOf(tape, request);
  const step = adapter.next(reply, target);
  if (step.kind !== "done") throw new Error(step.kind);
  expect<unknown>({ output: step.output, usage: step.usage }).toEqual(expectedOf(tape, tape.task));
  if (step.output.kind === "json") await expectAccepted(tape.task, step.output.json);
  const time = reply.header("x-compute-time");
  const reported = adapter.reported?.({ header: reply.header, member: () => undefined });
  expect(reported?.kind).toBe(time === undefined ? undefined : "measured");
}

/** Python's client sent the bare picture to be segmented; JavaScript's never does, and we follow that. */
function wantedBody(tape: TaskTape): unknown {
  const body = bodyOnTape(tape);
  const isBare = tape.task === "image-segmentation" && typeof body === "string";
  return isBare ? { inputs: body } : body;
}

function replyOf({ exchange, task }: TaskTape, request: ProviderRequest): ProviderReply {
  const { status, headers, body } = exchange.response;
  return {
    request,
    status,
    header: (name) => headers[name],
    type: (headers["content-type"] ?? "").replace(/;.*/, ""),
    // The recorder kept no pictures and no sounds.
    bytes: isMedia(task) ? MEDIA_BYTES : Buffer.from(body),
    json: isMedia(task) ? undefined : JSON.parse(body),
  };
}

async function expectAccepted(task: OtherTask, json: unknown): Promise<void> {
  if (task === "text-generation" || task === "image-to-text" || task === "text-ranking") return;
  await getProviderHelper("hf-inference", task as "fill-mask").getResponse(json);
}
