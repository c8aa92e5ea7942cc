/** Python's `openai` and `huggingface_hub`, unmodified. A script runs many requests, since Python starts slowly. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { findPython, runPython } from "./python.js";
import { type Front, PERSON, pinned, providers, startFront, user, WEATHER } from "./support.js";

const python = findPython(["openai", "huggingface_hub"]);
const NO_PYTHON =
  "no Python with openai and huggingface_hub: python3 -m venv .venv && .venv/bin/pip install openai huggingface_hub";

type Job = {
  readonly do: "plain" | "stream" | "parse" | "models";
  readonly body?: object;
  readonly token?: string;
};
type Json = Readonly<Record<string, unknown>>;
type Choice = {
  readonly finish_reason: string | null;
  readonly message: {
    readonly content: string | null;
    readonly tool_calls?:
      | readonly { readonly function: { readonly name: string; readonly arguments: string } }[]
      | null;
  };
  readonly delta: { readonly content?: string | null };
};
type Body = {
  readonly id: string;
  readonly choices: readonly Choice[];
  readonly usage?: Json | null;
};
type Ok = {
  readonly body: Body;
  readonly headers: Readonly<Record<string, string>>;
  readonly chunks: readonly Body[];
  readonly parsed: Json;
  readonly ids: readonly string[];
};
type Result = Json & { readonly ok?: Ok };

let front: Front;
beforeAll(async () => {
  if (python) front = await startFront();
});
afterAll(() => front?.stop());

/** What a script prints for jobs done with one token. */
async function run(script: string, jobs: readonly Job[], token = front.ada.token, more = {}) {
  const input = { token, base_url: front.baseUrl, jobs, ...more };
  return runPython<Result[]>(python, script, input);
}

const okOf = (result: Result | undefined): Ok => {
  if (!result?.ok) throw new Error(`refused: ${JSON.stringify(result)}`);
  return result.ok;
};

const textOf = (chunks: readonly Body[]): string =>
  chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");

const finishOf = (chunks: readonly Body[]) =>
  chunks.findLast(({ choices }) => choices[0]?.finish_reason)?.choices[0]?.finish_reason;

const SCHEMA = {
  type: "json_schema",
  json_schema: { name: "person", schema: PERSON, strict: true },
};

/** For every provider: a plain answer, the same as a stream, structured output, a tool call. */
const jobsFor = (provider: string): Job[] => {
  const model = pinned(provider);
  const hello = { model, messages: user("Hello [[tokens=12]]") };
  const tools = { tools: [WEATHER], tool_choice: "required" };
  return [
    { do: "plain", body: hello },
    { do: "stream", body: hello },
    {
      do: "plain",
      body: {
        model: pinned(provider, "structured"),
        messages: user("Who?"),
        response_format: SCHEMA,
      },
    },
    {
      do: "plain",
      body: { model: pinned(provider, "tools"), messages: user("Weather?"), ...tools },
    },
  ];
};

const JOBS_EACH = 4;

if (!python) test.skip(NO_PYTHON, () => {});
else for (const script of ["openai_client.py", "huggingface_client.py"]) describeClient(script);

function describeClient(script: string): void {
  describe(script, () => {
    test("gets plain, streamed, structured answers and tool calls from every provider", async () => {
      const jobs = providers.flatMap(({ id }) => jobsFor(id));
      const results = await run(script, jobs);
      for (const [i, { id }] of providers.entries()) {
        expectAll(id, results.slice(i * JOBS_EACH, (i + 1) * JOBS_EACH));
      }
    });

    test("reads our refusals", async () => {
      const body = { model: pinned("together"), messages: user("hi") };
      const jobs: Job[] = [
        { do: "plain", body },
        { do: "stream", body },
      ];
      const [unknown, broke, wrong] = await Promise.all([
        run(script, jobs, "hf_nonsense"),
        run(script, jobs, front.bob.token),
        run(script, [{ do: "plain", body: { ...body, model: "no/such-model" } }]),
      ]);
      expect(unknown.map(({ status }) => status)).toEqual([401, 401]);
      expect(broke.map(({ status }) => status)).toEqual([402, 402]);
      expect(broke[0]?.message).toContain("Your credit does not cover this request");
      expect(wrong[0]).toMatchObject({ status: 404 });
      expect(wrong[0]?.message).toContain("There is no chat model");
    });
  });
}

function expectAll(provider: string, results: readonly Result[]): void {
  const [plain, stream, structured, tool] = results.map(okOf);
  const counted = {
    completion_tokens: 12,
    prompt_tokens: plain?.body.usage?.prompt_tokens,
  };
  const where = `${provider}: `;
  const text = plain?.body.choices[0]?.message.content;
  expect(where + JSON.stringify(plain?.body.choices[0]?.finish_reason)).toBe(`${where}"stop"`);
  expect(plain?.body.usage).toMatchObject(counted);
  expect(where + textOf(stream?.chunks ?? [])).toBe(where + text);
  expect(where + finishOf(stream?.chunks ?? [])).toBe(`${where}stop`);
  expect(stream?.chunks.at(-1)?.usage).toMatchObject(counted);
  const made = JSON.parse(structured?.body.choices[0]?.message.content ?? "");
  expect(where + Object.keys(made).sort()).toBe(`${where}age,name`);
  const call = tool?.body.choices[0]?.message.tool_calls?.[0];
  expect(where + call?.function.name).toBe(`${where}get_weather`);
}

test.skipIf(!python)(
  "openai_client.py: a typed answer, headers with the cost, models",
  async () => {
    const messages = user("Who?");
    const [parsed, plain, models] = (
      await run("openai_client.py", [
        { do: "parse", body: { model: pinned("fireworks-ai"), messages } },
        { do: "plain", body: { model: pinned("groq"), messages } },
        { do: "models" },
      ])
    ).map(okOf);
    expect(parsed?.parsed).toEqual({ name: expect.any(String), age: expect.any(Number) });
    expect(plain?.headers["x-turnpike-cost-nano-usd"]).toBe(
      String(plain?.body.usage?.cost_nano_usd),
    );
    expect(models?.ids).toContain("openai/gpt-oss-120b");
  },
);

test.skipIf(!python)("huggingface_client.py: its bill-to header does no harm", async () => {
  const body = { model: pinned("together"), messages: user("hi") };
  const jobs: Job[] = [{ do: "plain", body }];
  const [result] = await run("huggingface_client.py", jobs, front.ada.token, { bill_to: "ada" });
  expect(okOf(result).body.choices[0]?.message.content).toBeTruthy();
});
