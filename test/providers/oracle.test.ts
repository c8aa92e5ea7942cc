/**
 * Hugging Face's own client as an oracle: for the same question our request is the one it would send to the provider
 * directly. Each call is made by the unmodified client, whose `fetch` is answered here and goes nowhere.
 */
import { describe, expect, test } from "bun:test";
import { InferenceClient, PROVIDERS } from "@huggingface/inference";
import { builtInProviders } from "../../src/config/providers.js";
import type { Provider } from "../../src/providers/provider.js";
import { toBase64 } from "../../src/tasks/media.js";
import type { Json, TaskInput } from "../../src/tasks/task-call.js";
import { taskAdapter, type WrittenField } from "./exchange-files.js";
import { KEY, type OracleRow, type Sent, sentByUs } from "./oracle/row.js";
import { oracleRows as rows } from "./proofs.js";

describe("our request is the one that @huggingface/inference sends directly", () => {
  for (const [i, row] of rows.entries()) {
    const but = row.but ? `, but ${row.but.why}` : "";
    test(`${row.provider}, ${row.task}: ${row.how}${but}`, async () => {
      const provider = providerOf(row);
      const target = {
        providerModel: row.model ?? "org/model",
        // The client remembers the mapping of a model, so each row has one of its own.
        modelId: `hub/${row.provider}-${i}`,
        loraWeights: row.lora,
      };
      const request = taskAdapter(provider, row.task).start(inputOf(row), target);
      const theirs = await sentByClient(row, target.modelId);
      expect<unknown>(sentByUs(provider, request)).toEqual(row.but ? row.but.ours(theirs) : theirs);
    });
  }

  test("is asked for every task of every provider that the client has", () => {
    const asked = new Set(rows.map(({ provider, task }) => `${provider}/${task}`));
    const theirs = Object.entries(PROVIDERS).flatMap(([id, tasks]) =>
      Object.keys(tasks)
        // Chat's requests are held against the client's by test/exchanges.test.ts.
        .filter((task) => task !== "conversational")
        .map((task) => `${id}/${task}`),
    );
    expect(theirs.filter((name) => !asked.has(name))).toEqual([]);
  });
});

function providerOf({ provider }: OracleRow): Provider {
  const found = builtInProviders.find(({ id }) => id === provider);
  if (!found) throw new Error(`we have no ${provider}`);
  return found;
}

const inputOf = ({ inputs, media, parameters = {}, extra = {} }: OracleRow): TaskInput => ({
  inputs,
  media,
  parameters,
  extra,
});

/** What `InferenceClient` is called with. */
function argsOf(row: OracleRow): Json {
  if (row.args) return row.args;
  const { media, inputs, parameters, extra } = row;
  const blob = media && new Blob([new Uint8Array(media.bytes)], { type: media.type });
  const given = blob ?? inputs;
  return {
    ...extra,
    ...(given !== undefined && { inputs: given }),
    ...(parameters && { parameters }),
  };
}

class Caught extends Error {}

async function sentByClient(row: OracleRow, modelId: string): Promise<Sent> {
  let sent: Sent | undefined;
  const answer = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = String(input);
    if (url.startsWith("https://huggingface.co/api/models/")) return Response.json(mappingOf(row));
    sent = await sentIn(url, init);
    throw new Caught();
  };
  const client = new InferenceClient(KEY);
  const name = row.task.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const call: unknown = Reflect.get(client, name);
  if (typeof call !== "function") throw new Error(`the client has no ${name}`);
  const args = { provider: row.provider, model: modelId, ...argsOf(row) };
  try {
    await call.call(client, args, { fetch: answer });
  } catch (thrown) {
    if (!(thrown instanceof Caught)) throw thrown;
  }
  if (!sent) throw new Error("the client sent nothing");
  return sent;
}

const mappingOf = ({ provider, task, model = "org/model", lora }: OracleRow) => ({
  inferenceProviderMapping: {
    [provider]: {
      status: "live",
      providerId: model,
      task,
      ...(lora !== undefined && { adapter: "lora", adapterWeightsPath: lora }),
    },
  },
});

async function sentIn(url: string, init: RequestInit = {}): Promise<Sent> {
  const headers = Object.fromEntries(new Headers(init.headers));
  // The name of the client is not ours.
  delete headers["user-agent"];
  return { url, method: init.method ?? "GET", headers, ...(await bodyIn(init.body)) };
}

async function bodyIn(
  body: BodyInit | null | undefined,
): Promise<Pick<Sent, "json" | "bytes" | "form">> {
  if (typeof body === "string") return { json: JSON.parse(body) as unknown };
  if (body instanceof Blob) return { bytes: await writtenBlob(body) };
  if (!(body instanceof FormData)) throw new Error("a body of no known kind");
  const fields = [...body.entries()].map(([name, value]) => writtenField(name, value));
  return { form: await Promise.all(fields) };
}

/** The types of Bun's FormData know no files. */
async function writtenField(name: string, value: unknown): Promise<WrittenField> {
  if (value instanceof File) return { name, fileName: value.name, ...(await writtenBlob(value)) };
  return { name, text: String(value) };
}

const writtenBlob = async (blob: Blob) => ({
  type: blob.type,
  base64: toBase64({ bytes: new Uint8Array(await blob.arrayBuffer()), type: blob.type }),
});
