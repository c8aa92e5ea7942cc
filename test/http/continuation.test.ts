import { afterEach, expect, test } from "bun:test";
import { nanoUsd } from "../../src/kernel/money.js";
import { AT_REST, call, chat, testApp, until } from "../support/app.js";
import {
  chunk,
  DONE,
  fakeProvider,
  type Received,
  type Reply,
  streamed,
  usageChunk,
} from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

type Behaviour = (received: Received) => Reply;

const ASK = {
  model: "org/model:preferred",
  stream: true,
  max_tokens: 50,
  messages: [{ role: "user", content: "Say hello." }],
  provider: { allow_continuation: true },
  stream_options: { include_usage: true },
};

async function start(
  replies: Readonly<Record<string, Behaviour>>,
  more: {
    readonly forms?: Readonly<Record<string, string | undefined>>;
    readonly price?: Readonly<Record<string, object>>;
    readonly routing?: object;
    readonly limits?: object;
  } = {},
) {
  const names = Object.keys(replies);
  const providers = Object.fromEntries(
    names.map((name) => [name, fakeProvider(replies[name] ?? (() => new Response()))]),
  );
  for (const provider of Object.values(providers)) cleanUps.push(provider.stop);
  const forms = more.forms ?? {};
  const yaml = {
    routing: more.routing ?? {},
    limits: more.limits ?? {},
    providers: Object.fromEntries(
      names.map((name) => [
        name,
        {
          type: "openai-compatible",
          base_url: providers[name]?.origin,
          continuation: name in forms ? forms[name] : "final_message",
        },
      ]),
    ),
    models: [
      {
        id: "org/model",
        task: "conversational",
        providers: names.map((provider) => ({
          provider,
          provider_model: "m",
          price: more.price?.[provider] ?? { input: "1", output: "2" },
        })),
      },
    ],
  };
  const app = await testApp({ yaml: JSON.stringify(yaml) });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada");
  const ask = async (body: object = {}, signal?: AbortSignal): Promise<string> =>
    (await app.answer(chat(ada.token, { ...ASK, ...body }, {}, signal))).text();
  const charged = async () => nanoUsd(100_000_000n - (await app.left(ada)));
  const rows = () => app.site.usage.newestRequests(ada.user.id, 10);
  return { app, ada, ask, charged, rows, providers };
}

const breaksOff: Behaviour = () => streamed([chunk("Hel"), chunk("lo ")]);
const goesOn: Behaviour = () =>
  streamed([
    chunk("wor").replaceAll("cmpl-1", "cmpl-2"),
    chunk("ld.", "stop"),
    usageChunk(14, 3),
    DONE,
  ]);

const dataIn = (text: string) =>
  [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json = ""]) => JSON.parse(json));

const saidIn = (text: string): string =>
  dataIn(text)
    .map((data) => data.choices?.[0]?.delta?.content ?? "")
    .join("");

const commentIn = (text: string) => JSON.parse(/^: turnpike (.*)$/m.exec(text)?.[1] ?? "{}");

test("a stream that breaks off goes on at another provider, as one answer with one id and one sum", async () => {
  const { ask, charged, rows, providers, app, ada } = await start({ a: breaksOff, b: goesOn });
  const text = await ask();
  expect(saidIn(text)).toBe("Hello world.");
  expect(text.endsWith(DONE)).toBe(true);
  expect(text).not.toContain('"error"');
  expect(new Set(dataIn(text).map(({ id }) => id))).toEqual(new Set(["cmpl-1"]));
  const sent = JSON.parse(providers.b?.received[0]?.body ?? "{}");
  expect(sent.messages).toEqual([...ASK.messages, { role: "assistant", content: "Hello " }]);
  expect(sent).not.toHaveProperty("provider");

  await app.drain();
  const [first, rest] = (await rows()).toSorted((one, other) =>
    one.provider.localeCompare(other.provider),
  );
  if (!first || !rest) throw new Error("two requests on the books expected");
  expect([first.provider, first.outcome, rest.provider, rest.outcome]).toEqual([
    ...["a", "cut"],
    ...["b", "served"],
  ]);
  expect(await charged()).toBe(nanoUsd(first.cost + rest.cost));
  expect(sent.max_tokens).toBe(50 - first.outputTokens);

  const { usage } = dataIn(text).findLast((data) => data.usage);
  expect(usage).toMatchObject({
    prompt_tokens: first.inputTokens + rest.inputTokens,
    completion_tokens: first.outputTokens + 3,
    cost_nano_usd: String(first.cost + rest.cost),
  });
  expect(commentIn(text)).toMatchObject({
    inference_id: first.id,
    provider: "b",
    cost_nano_usd: String(first.cost + rest.cost),
    estimated: true,
    continued_from: {
      provider: "a",
      at_character: 6,
      cost_nano_usd: String(first.cost),
      rest: { inference_id: rest.id, cost_nano_usd: "20000" },
    },
  });
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("each provider is asked to go on in its own way", async () => {
  const forms = { final_message: {}, prefix: { prefix: true }, continue_final_message: {} };
  for (const [form, inMessage] of Object.entries(forms)) {
    const { ask, providers } = await start({ a: breaksOff, b: goesOn }, { forms: { b: form } });
    expect(saidIn(await ask())).toBe("Hello world.");
    const sent = JSON.parse(providers.b?.received[0]?.body ?? "{}");
    expect(sent.messages.at(-1)).toEqual({ role: "assistant", content: "Hello ", ...inMessage });
    const isVllm = form === "continue_final_message";
    expect(sent.continue_final_message).toBe(isVllm ? true : undefined);
    expect(sent.add_generation_prompt).toBe(isVllm ? false : undefined);
  }
});

test("characters are counted as people count them, and what was escaped is sent on as it was meant", async () => {
  const { ask, providers } = await start({
    a: () => streamed([chunk("Grüße 🦊"), chunk("é").replace("é", "\\u00e9")]),
    b: goesOn,
  });
  const text = await ask();
  expect(commentIn(text).continued_from.at_character).toBe(8);
  const sent = JSON.parse(providers.b?.received[0]?.body ?? "{}");
  expect(sent.messages.at(-1).content).toBe("Grüße 🦊é");
});

test("where it is not wanted, not safe or not possible, the stream ends with an error as ever", async () => {
  const tools = [{ type: "function", function: { name: "f", parameters: {} } }];
  const thinks: Behaviour = () =>
    streamed([chunk("Hm").replace('"content"', '"reasoning_content"'), chunk("Hel")]);
  const table: Readonly<Record<string, [object, Parameters<typeof start>[1]?, Behaviour?]>> = {
    "not asked for": [{ provider: undefined }],
    refused: [
      { provider: { allow_continuation: false } },
      { routing: { allow_continuation: true } },
    ],
    tools: [{ tools }],
    "several choices": [{ n: 2 }],
    "structured output": [{ response_format: { type: "json_object" } }],
    stop: [{ stop: ["."] }],
    "the caller began the answer": [
      { messages: [...ASK.messages, { role: "assistant", content: "He" }] },
    ],
    "nobody can": [{}, { forms: { b: undefined } }],
    "no fallbacks": [{ provider: { allow_continuation: true, allow_fallbacks: false } }],
    "one attempt": [{}, { limits: { attempts_max: 1 } }],
    "thoughts were told": [{}, {}, thinks],
    "no money for it": [{}, { price: { b: { input: "10000", output: "10000" } } }],
  };
  for (const [name, [body, more, first = breaksOff]] of Object.entries(table)) {
    const { ask, app, ada, charged, providers } = await start({ a: first, b: goesOn }, more);
    const text = await ask(body);
    expect([name, text.includes('"error"'), text.includes("[DONE]")]).toEqual([name, true, false]);
    expect([name, providers.b?.received.length]).toEqual([name, 0]);
    const { cost_nano_usd, continued_from } = commentIn(text);
    expect([name, cost_nano_usd, continued_from]).toEqual([name, `${await charged()}`, undefined]);
    expect(await charged()).toBeGreaterThan(0n);
    expect(await app.state(ada)).toEqual(AT_REST);
  }
});

test("the operator may have it done wherever callers do not say otherwise", async () => {
  const { ask } = await start(
    { a: breaksOff, b: goesOn },
    { routing: { allow_continuation: true } },
  );
  expect(saidIn(await ask({ provider: undefined }))).toBe("Hello world.");
});

test("who fails to go on makes way for the next, and the bound on attempts holds", async () => {
  const fails: Behaviour = () => new Response("{}", { status: 500 });
  const three = await start({ a: breaksOff, b: fails, c: goesOn });
  const text = await three.ask();
  expect(saidIn(text)).toBe("Hello world.");
  expect(commentIn(text).provider).toBe("c");
  expect(await three.app.state(three.ada)).toEqual(AT_REST);
  const four = await start({ a: breaksOff, b: fails, c: fails, d: goesOn });
  expect(await four.ask()).toContain('"error"');
  expect(four.providers.d?.received).toEqual([]);
  expect(await four.app.state(four.ada)).toEqual(AT_REST);
});

test("a rest that breaks off too ends with an error, and both parts are charged", async () => {
  const { ask, charged, app, ada, rows } = await start({ a: breaksOff, b: breaksOff, c: goesOn });
  const text = await ask();
  expect(saidIn(text)).toBe("Hello Hello ");
  expect(text).toContain('"error"');
  expect(text).not.toContain("[DONE]");
  const { cost_nano_usd, continued_from } = commentIn(text);
  expect(cost_nano_usd).toBe(String(await charged()));
  expect(continued_from.provider).toBe("a");
  expect((await rows()).map(({ outcome }) => outcome)).toEqual(["cut", "cut"]);
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("a caller who hangs up between the parts owes the first, and the second is called off", async () => {
  const { app, ada, charged, providers } = await start({
    a: breaksOff,
    b: () => new Promise(() => undefined),
  });
  const caller = new AbortController();
  const response = await app.answer(chat(ada.token, ASK, {}, caller.signal));
  const reading = response.text().catch(() => "");
  await until(() => providers.b?.received.length === 1);
  caller.abort();
  await reading;
  await until(() => providers.b?.received[0]?.signal.aborted === true);
  await until(async () => (await app.state(ada)).openRequests === 0);
  expect(await app.state(ada)).toEqual(AT_REST);
  expect(await charged()).toBeGreaterThan(0n);
  expect(await charged()).toBeLessThan(100_000n);
});

test("an answer that is gone on with keeps its place among requests at once until its very end", async () => {
  const gate = Promise.withResolvers<void>();
  const slowly: Behaviour = () =>
    streamed([chunk("wor"), () => gate.promise, chunk("ld.", "stop"), usageChunk(14, 3), DONE]);
  const { app, ada, providers } = await start({ a: breaksOff, b: slowly });
  await app.site.tenants.setTerms(ada.user.id, { rates: { concurrent: 1, tokens: 100_000 } });
  await app.site.reloadUser(ada.user.id);
  const answer = await app.answer(chat(ada.token, ASK));
  const text = answer.text();
  await until(() => providers.b?.received.length === 1);
  expect((await app.answer(chat(ada.token, ASK))).status).toBe(429);
  gate.resolve();
  expect(await text).toEndWith(DONE);
  const shown = await app.answer(call("GET", "/api/turnpike/me/limits", ada.token));
  const { limits } = (await shown.json()) as { limits: { rate: string; left: number }[] };
  const left = (rate: string) => limits.find((limit) => limit.rate === rate)?.left ?? 0;
  expect(left("concurrent_requests")).toBe(1);
  // Both parts together: what was counted of the first, and 17 of the second.
  expect(left("tokens_per_minute")).toBeLessThan(100_000 - 17);
});
