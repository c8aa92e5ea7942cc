/** What recorded providers said of their cost, read by our readers and by plain arithmetic. */
import { afterAll, describe, expect, test } from "bun:test";
import type { CostReader } from "../../src/providers/provider.js";
import { billableUnits, computeTimeHeader } from "../../src/providers/reported.js";
import { chat, testApp } from "../support/app.js";
import {
  hasTapes,
  isStream,
  NO_TAPES,
  type Tape,
  tapePlayer,
  tapesOf,
  tasksOf,
} from "./support.js";

const cleanUps: (() => unknown)[] = [];
afterAll(async () => {
  for (const undo of cleanUps.reverse()) await undo();
});

const read = (reader: CostReader, { exchange }: Tape) =>
  reader({ header: (name) => exchange.response.headers[name], member: () => undefined });

const headerOf = ({ exchange }: Tape, name: string): string | undefined =>
  exchange.response.headers[name];

/** "22.899515643" in billionths, by moving the point. */
function billionths(text: string): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  expect(fraction.length).toBeLessThanOrEqual(9);
  return BigInt(whole + fraction.padEnd(9, "0"));
}

if (!hasTapes) test.skip(NO_TAPES, () => {});
else describe("recordings of what providers report", readAll);

function readAll(): void {
  const ofHub = tasksOf("hf-inference").flatMap((task) => tapesOf("hf-inference", task));
  const timed = ofHub.filter((tape) => headerOf(tape, "x-compute-time") !== undefined);

  test("every x-compute-time is read to the nanosecond", () => {
    expect(timed.length).toBeGreaterThan(40);
    for (const tape of timed) {
      const nanoseconds = billionths(headerOf(tape, "x-compute-time") ?? "");
      expect({ tape: tape.name, said: read(computeTimeHeader, tape) }).toEqual({
        tape: tape.name,
        said: { kind: "measured", measured: { computeNanoseconds: Number(nanoseconds) } },
      });
    }
  });

  test("no recorded stream says how long it computes, since it cannot know", () => {
    expect(timed.filter(isStream)).toEqual([]);
    expect(ofHub.filter(isStream).length).toBeGreaterThan(10);
  });

  test("fal's billable units are read", () => {
    const tapes = tapesOf("fal-ai", "text-to-image");
    const told = tapes.filter((tape) => headerOf(tape, "x-fal-billable-units") !== undefined);
    expect(told.length).toBeGreaterThan(0);
    for (const tape of told) {
      const units = billionths(headerOf(tape, "x-fal-billable-units") ?? "");
      expect(read(billableUnits, tape)).toEqual({ kind: "units", billionths: units });
    }
  });

  testChat(
    timed.filter(
      ({ exchange }) =>
        exchange.response.status === 200 &&
        exchange.request.upstreamPath?.endsWith("/v1/chat/completions"),
    ),
  );
}

/** Nano-USD a second. */
const PRICE = 120_000n;
const BILLION = 1_000_000_000n;

function testChat(tapes: readonly Tape[]): void {
  test("recorded chat on hf-inference is charged its compute time, rounded up once", async () => {
    expect(tapes.length).toBeGreaterThan(4);
    const player = tapePlayer();
    cleanUps.push(player.stop);
    const app = await testApp({ yaml: yamlOf(player.origin, tapes) });
    cleanUps.push(app.stop);
    const ada = await app.addUser("ada", "rich");
    for (const [i, tape] of tapes.entries()) {
      player.insert(tape, "whole");
      const body = { model: `tape/${i}`, messages: [{ role: "user", content: "hi" }] };
      const response = await app.answer(chat(ada.token, body));
      const exact = billionths(headerOf(tape, "x-compute-time") ?? "") * PRICE;
      expect({ tape: tape.name, cost: response.headers.get("x-turnpike-cost-nano-usd") }).toEqual({
        tape: tape.name,
        cost: String((exact + BILLION - 1n) / BILLION),
      });
      await response.text();
    }
    await app.drain();
    expect((await app.site.ledger.audit()).faults).toEqual([]);
  });
}

const yamlOf = (origin: string, tapes: readonly Tape[]): string =>
  JSON.stringify({
    allow_literal_keys: true,
    plans: { rich: { monthly_credit: "100" } },
    hardware: { "2-a10-g": "0.00012" },
    providers: { "hf-inference": { base_url: `${origin}/hf-inference`, api_key: "tape-key" } },
    models: tapes.map((tape, i) => ({
      id: `tape/${i}`,
      task: "conversational",
      providers: [
        { provider: "hf-inference", provider_model: tape.model, price: { hardware: "2-a10-g" } },
      ],
    })),
  });
