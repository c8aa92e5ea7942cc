/** What a failover adds to what its providers take: by a clock that stands still, nothing. */
import { afterEach, expect, test } from "bun:test";
import { chat, testApp } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { watchFailovers } from "../support/failovers.js";
import {
  chunk,
  DONE,
  fakeProvider,
  plainAnswer,
  streamed,
  usageChunk,
  yamlFor,
} from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

type Failing = {
  readonly why: string;
  readonly isStream?: boolean;
  readonly reply?: () => Response | Promise<Response>;
  /** Has nobody listening there. */
  readonly isGone?: boolean;
  /** Moved on once the provider was asked. */
  readonly afterMs?: number;
};

const ANSWER_MS = 5_000;

const status = (code: number, headers = {}) => new Response("no", { status: code, headers });

const FAILING: readonly Failing[] = [
  { why: "429", reply: () => status(429, { "retry-after": "30" }) },
  { why: "500", reply: () => status(500) },
  { why: "503", reply: () => status(503, { "retry-after": "5" }) },
  { why: "401", reply: () => status(401) },
  { why: "408", reply: () => status(408) },
  { why: "redirect", reply: () => status(302, { location: "http://127.0.0.1:9/" }) },
  {
    why: "html",
    reply: () => new Response("<html>", { headers: { "content-type": "text/html" } }),
  },
  { why: "malformed", reply: () => new Response("{") },
  { why: "no_choices", reply: () => Response.json({}) },
  { why: "error_in_200", reply: () => Response.json({ error: { message: "no" } }) },
  { why: "connect", isGone: true },
  { why: "timeout", reply: () => new Promise<Response>(() => {}), afterMs: ANSWER_MS },
  { why: "empty_stream", isStream: true, reply: () => streamed([DONE]) },
  { why: "malformed", isStream: true, reply: () => streamed(["data: {oops\n\n"]) },
  { why: "error_in_200", isStream: true, reply: () => streamed(['data: {"error":"no"}\n\n']) },
];

const well = (isStream: boolean) => () =>
  isStream ? streamed([chunk("hi", "stop"), usageChunk(3, 1), DONE]) : plainAnswer();

async function failOver({ reply, isGone, afterMs, isStream = false }: Failing) {
  const time = manualClock();
  const failovers = watchFailovers();
  const first = fakeProvider(reply ?? (() => status(500)));
  const second = fakeProvider(well(isStream));
  if (isGone) first.stop();
  cleanUps.push(first.stop, second.stop);
  const yaml = yamlFor({ first: first.origin, second: second.origin }, undefined, {
    limits: { plain_answer_ms: ANSWER_MS },
  });
  const app = await testApp({ yaml, clock: time.clock, log: failovers.log });
  cleanUps.push(app.stop);
  failovers.watch(app.site.gateway.http);
  const { token } = await app.addUser("ada");
  const messages = [{ role: "user", content: "hi" }];
  const provider = { order: ["first", "second"] };
  const body = { model: "org/model", messages, max_tokens: 20, stream: isStream, provider };
  const answering = app.answer(chat(token, body));
  if (afterMs !== undefined) {
    while (first.received.length === 0) await Bun.sleep(1);
    time.advance(afterMs);
  }
  const answer = await answering;
  await answer.text();
  return { answer, failovers: failovers.seen };
}

for (const failing of FAILING) {
  const what = failing.isStream ? `a stream that fails with ${failing.why}` : failing.why;
  test(`after ${what} the next provider is asked in the same turn, without waiting for anything`, async () => {
    const { answer, failovers } = await failOver(failing);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-turnpike-route")).toContain(
      `tried=first:${failing.why},second:200`,
    );
    expect(answer.headers.get("server-timing")).toStartWith("turnpike;dur=0.00, ");
    expect(failovers.map(({ isOneTurn }) => isOneTurn)).toEqual([true]);
  });
}
