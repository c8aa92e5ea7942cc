/** Streams of text generation through a running Turnpike, as both of Hugging Face's clients read them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { InferenceClient } from "@huggingface/inference";
import { useTurnpike } from "../../clients/huggingface.mjs";
import { AT_REST } from "../support/app.js";
import { findPython, runPython } from "./python.js";
import { type Front, startFront } from "./support.js";
import { rows } from "./tasks/rows.js";

const python = findPython(["huggingface_hub"]);
let front: Front;

beforeAll(async () => {
  front = await startFront();
});
afterAll(() => front.stop());

const modelOf = (provider: string): string => {
  const row = rows.find((one) => one.servedBy === provider && one.task === "text-generation");
  if (!row) throw new Error(`the simulator has no text generation of ${provider}`);
  return row.model;
};

/** The requests that these calls have left behind. */
async function booked(count: number) {
  expect(await front.app.state(front.ada)).toEqual(AT_REST);
  return front.app.site.usage.newestRequests(front.ada.user.id, count);
}

type Heard = {
  readonly events?: readonly {
    readonly index: number;
    readonly token: { readonly text: string; readonly special: boolean };
    readonly generated_text: string | null;
    readonly details: { readonly generated_tokens: number } | null;
  }[];
};

test.skipIf(!python)(
  "huggingface_hub reads them, whoever serves and in whatever form",
  async () => {
    const places = [
      { model: modelOf("hf-inference"), provider: "hf-inference" },
      ...["hf-inference", "together", "featherless-ai"].map((id) => ({
        model: `${front.server.origin}/models/${modelOf(id)}:${id}`,
      })),
    ];
    const jobs = places.flatMap((place) =>
      [false, true].map((details) => ({ ...place, prompt: "Paris is [[tokens=4]]", details })),
    );
    const asked = { origin: front.server.origin, token: front.ada.token, jobs };
    const heard = await runPython<(Heard | { readonly events: string[] })[]>(
      python,
      "huggingface_generation.py",
      asked,
    );
    for (const [at, { events = [] }] of heard.entries()) {
      expect([at, events.length > 1]).toEqual([at, true]);
      if (!jobs[at]?.details) continue;
      const said = events as NonNullable<Heard["events"]>;
      const text = said.map(({ token }) => (token.special ? "" : token.text)).join("");
      const last = said.at(-1);
      expect(last?.generated_text).toBe(text);
      expect(last?.details?.generated_tokens).toBeGreaterThan(1);
    }
    const charged = await booked(jobs.length);
    expect(charged.every(({ outcome, cost }) => outcome === "served" && cost > 0n)).toBe(true);
  },
);

test("@huggingface/inference reads the events of /v1/completions, as it always did", async () => {
  const undo = useTurnpike(front.server.origin);
  try {
    const client = new InferenceClient(front.ada.token);
    const events = await Array.fromAsync(
      client.textGenerationStream({
        provider: "hf-inference",
        model: modelOf("hf-inference"),
        inputs: "Paris is [[tokens=4]]",
      }),
    );
    expect(events.length).toBeGreaterThan(1);
    expect(await booked(1)).toMatchObject([{ outcome: "served" }]);
  } finally {
    undo();
  }
});
