import { expect, test } from "bun:test";
import * as all from "../providers/all.js";
import { bearer, type Provider, type TaskAdapter } from "../providers/provider.js";
import { DIALECTS, registeredProvider } from "../providers/registered.js";
import { TASKS } from "../tasks/index.js";
import { smallInput } from "./task-check.js";

const named = { name: "Acme", origin: "https://acme.example/v1", auth: bearer };
const registered = DIALECTS.map((dialect) =>
  registeredProvider(dialect, { id: dialect, requestIdHeader: "inference-id", ...named }),
);

/** By this name alone novita knows what it makes films of a picture with. */
const MODEL = "MiniMax-H3";
const TARGET = { providerModel: MODEL, modelId: `MiniMaxAI/${MODEL}`, loraWeights: undefined };

function* adapters(): Iterable<readonly [string, ReturnType<typeof started>]> {
  for (const provider of [...Object.values<Provider>(all), ...registered]) {
    for (const task of TASKS) {
      const adapter = task === "conversational" ? undefined : provider.tasks[task];
      if (adapter && task !== "conversational") {
        yield [`${provider.id} ${task}`, started(adapter, task)];
      }
    }
  }
}

const started = (adapter: TaskAdapter, task: Parameters<typeof smallInput>[0]) => {
  try {
    return adapter.start(smallInput(task, adapter), TARGET);
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
};

test("every provider can be asked for every task of its own with the smallest input", () => {
  const refused = [...adapters()].filter(([, request]) => typeof request === "string");
  expect(refused).toEqual([]);
});

test("who insists on a voice is given one, and who chooses its own is not", () => {
  const bodies = new Map(adapters());
  const sent = (name: string) => {
    const request = bodies.get(name);
    return typeof request === "object" && request.body?.kind === "json" ? request.body.json : {};
  };
  expect(sent("openai text-to-speech")).toMatchObject({ input: "Hello.", voice: "alloy" });
  expect(sent("openai-compatible text-to-speech")).toMatchObject({ voice: "alloy" });
  expect(sent("deepinfra text-to-speech")).not.toHaveProperty("voice");
});
