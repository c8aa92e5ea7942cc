/** Recorded streams of Text Generation Inference's own form, played to Turnpike as the upstream of hf-inference. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { AT_REST, call, type TestApp, type TestUser, testApp } from "../support/app.js";
import {
  type Cut,
  hasTapes,
  isStream,
  NO_TAPES,
  type Tape,
  tapePlayer,
  tapesOf,
} from "./support.js";

const tapes = hasTapes ? tapesOf("hf-inference", "text-generation").filter(isOfGeneration) : [];

/** Those that went to OpenAI's route are played as chat is. */
function isOfGeneration(tape: Tape): boolean {
  const path = tape.exchange.request.upstreamPath ?? "";
  return isStream(tape) && !path.endsWith("completions");
}

if (!hasTapes) test.skip(NO_TAPES, () => {});
else describe("recordings of streamed text generation", replayAll);

function replayAll(): void {
  let player: ReturnType<typeof tapePlayer>;
  let app: TestApp;
  let ada: TestUser;

  beforeAll(async () => {
    player = tapePlayer();
    const models = [...new Set(tapes.map(({ model }) => model))].map((id) => ({
      id,
      task: "text-generation",
      providers: [
        { provider: "hf-inference", provider_model: id, price: { input: "1", output: "2" } },
      ],
    }));
    const upstream = { base_url: `${player.origin}/hf-inference`, api_key: "key" };
    const providers = { "hf-inference": upstream };
    app = await testApp({ yaml: JSON.stringify({ allow_literal_keys: true, providers, models }) });
    ada = await app.addUser("ada");
  });
  afterAll(async () => {
    await app.stop();
    player.stop();
  });

  async function replay(tape: Tape, cut: Cut): Promise<Response> {
    player.insert(tape, cut);
    const body = { inputs: "Once", parameters: { max_new_tokens: 20 }, stream: true };
    const path = `/hf-inference/models/${tape.model}`;
    const json = { "content-type": "application/json" };
    return app.answer(call("POST", path, ada.token, body, json));
  }

  async function newest() {
    await app.drain();
    const [row] = await app.site.usage.newestRequests(ada.user.id, 1);
    return row;
  }

  test("are all here", () => expect(tapes.length).toBeGreaterThanOrEqual(8));

  for (const tape of tapes) {
    const recorded = tape.exchange.response.body;
    const isError = recorded.includes('"error_type"');
    for (const cut of ["whole", "odd", "bytes"] as const) {
      if (isError) continue;
      test(`${tape.name}: comes byte for byte, ${cut}, and is charged`, async () => {
        const text = await (await replay(tape, cut)).text();
        expect(player.path()).toBe(tape.exchange.request.upstreamPath ?? "");
        expect(text.replace(/: turnpike .*\n\n$/, "")).toBe(recorded);
        const details = /"generated_tokens":(\d+)/.exec(recorded)?.[1];
        const row = await newest();
        expect(row).toMatchObject({ outcome: "served", isEstimated: details === undefined });
        if (details !== undefined) expect(row?.outputTokens).toBe(Number(details));
        expect(row?.cost).toBeGreaterThan(0n);
        expect(await app.state(ada)).toEqual(AT_REST);
      });
    }
    if (!isError) continue;
    test(`${tape.name}: is refused in the provider's words, free of charge`, async () => {
      const answer = await replay(tape, "whole");
      expect(answer.status).toBe(422);
      const said = JSON.parse(recorded.replace(/^data: ?/, "")) as { error: string };
      expect(await answer.json()).toMatchObject({ error: expect.stringContaining(said.error) });
      expect(await newest()).toMatchObject({ outcome: "failed", cost: 0n });
    });
  }
}
