/** Sends one probe to a provider, and tells what came back as it came: nothing is judged, retried or metered. */
import { saysSomething } from "../../conformance/chat-shapes.js";
import type { Answered, Observed, Probe } from "../../conformance/check.js";
import { assert } from "../../kernel/errors.js";
import { PROBE_ANSWER_BYTES_MAX, PROBE_MS } from "../../kernel/limits.js";
import { shownKey } from "../../providers/provider.js";
import { dataOf, EventSplitter, utf8Of } from "../../wire/sse.js";
import { Deadline } from "../deadline.js";
import { whyOf } from "../failure.js";
import type { ConfiguredProvider, Gateway } from "../parts.js";
import { type Answer, readBytes } from "../read-answer.js";
import { ForbiddenUrlError } from "./public-address.js";

export type Observing = Pick<Gateway, "http" | "clock" | "limits" | "newId"> & {
  /** Aborts when nobody waits for it any more. */
  readonly signal: AbortSignal;
};

/** Never throws for anything the provider does. */
export async function observe(
  observing: Observing,
  configured: ConfiguredProvider,
  probe: Probe,
): Promise<Observed> {
  const { clock, signal } = observing;
  const sentAt = clock.elapsed();
  const deadline = new Deadline(clock, { signal }, sentAt + PROBE_MS, PROBE_MS);
  try {
    const answer = await begin(observing, configured, probe, deadline);
    return await read(observing, probe, answer, deadline, sentAt);
  } catch (thrown) {
    return { failed: sentenceOf(deadline.reason ?? thrown) };
  } finally {
    deadline.end();
  }
}

async function begin(
  { http, limits, newId }: Observing,
  { provider, key, guard }: ConfiguredProvider,
  probe: Probe,
  deadline: Deadline,
): Promise<Answer> {
  const { origin, pathname, search } = new URL(probe.url);
  const headers = {
    ...provider.headers,
    accept: probe.isStream ? "text/event-stream" : "*/*",
    ...probe.headers,
    "accept-encoding": "identity",
    "user-agent": "turnpike",
    ...keyHeader(probe, provider.auth, key),
  };
  const exchange = await http.send(
    {
      ...{ baseUrl: origin, guard, method: probe.method, path: pathname + search },
      ...{ headers, requestId: newId(), body: probe.body },
    },
    deadline,
    limits.connectMs,
    () => deadline.pause(),
  );
  const { head } = exchange;
  assert(head, "an answered exchange has a head");
  return { head, exchange };
}

/** Shorter than any that a provider gives away; the simulator knows it for what it is. */
const NOBODYS_KEY = "bad-key";

function keyHeader(
  { key: which }: Probe,
  auth: ConfiguredProvider["provider"]["auth"],
  key: string | undefined,
): Record<string, string> {
  if (which === "none" || (which === "good" && key === undefined)) return {};
  const shown = which === "wrong" ? NOBODYS_KEY : (key ?? "");
  return { [auth.header]: shownKey(auth, shown) };
}

async function read(
  { clock, limits }: Observing,
  probe: Probe,
  answer: Answer,
  deadline: Deadline,
  sentAt: number,
): Promise<Answered> {
  const { head } = answer;
  const elapsed = () => clock.elapsed() - sentAt;
  let firstTokenMs: number | undefined;
  const bounds = { ...limits, answerBytesMax: PROBE_ANSWER_BYTES_MAX };
  const bytes = await (probe.isStream
    ? readStream(answer, () => {
        firstTokenMs ??= elapsed();
      })
    : readBytes({ deadline, limits: bounds }, answer));
  return {
    status: head.status,
    header: (name) => head.get(name),
    bytes,
    text: bytes.toString("utf8"),
    ms: elapsed(),
    firstTokenMs,
  };
}

async function readStream({ exchange }: Answer, onToken: () => void): Promise<Buffer> {
  const splitter = new EventSplitter();
  const parts: Buffer[] = [];
  let length = 0;
  for (let part = await exchange.read(); part; part = await exchange.read()) {
    length += part.byteLength;
    if (length > PROBE_ANSWER_BYTES_MAX) throw new RangeError("the stream is too long");
    parts.push(part);
    const events = splitter.push(part);
    if (events.some((event) => saysSomething(utf8Of(dataOf(event))))) onToken();
  }
  return Buffer.concat(parts);
}

const SENTENCES: Readonly<Record<string, string>> = {
  connect: "no connection could be made",
  connect_timeout: "no connection could be made in time",
  timeout: `it was not over after ${PROBE_MS} ms`,
  malformed: "the answer is no HTTP that can be read, or is too long",
  too_large: `the answer is larger than ${PROBE_ANSWER_BYTES_MAX} bytes`,
};

function sentenceOf(thrown: unknown): string {
  if (thrown instanceof ForbiddenUrlError) return `it was not connected to: ${thrown.message}`;
  return SENTENCES[whyOf(thrown)] ?? "the connection broke off";
}
