import { expect, test } from "bun:test";
import type { Reported } from "../tasks/usage.js";
import { hfInference } from "./hf-inference.js";
import { openAiCompatible } from "./openai-compatible.js";
import type { CostReader } from "./provider.js";
import {
  believing,
  billableUnits,
  computeTimeHeader,
  outputsCost,
  predictTime,
  usageCost,
} from "./reported.js";

const said = (
  reader: CostReader,
  reply: { readonly headers?: Record<string, string>; readonly body?: Record<string, unknown> },
): Reported | undefined =>
  reader({ header: (name) => reply.headers?.[name], member: (name) => reply.body?.[name] });

const inBody = (reader: CostReader, body: unknown) =>
  said(reader, { body: body as Record<string, unknown> });

test("dollars in an answer become nano-dollars, never less than they are", () => {
  const table: readonly [unknown, bigint | undefined][] = [
    [0.49, 490_000_000n],
    [1.23e-7, 123n],
    [1e-11, 1n],
    [0, 0n],
    [3, 3_000_000_000n],
    [-1, undefined],
    ["0.49", undefined],
    [null, undefined],
    [{}, undefined],
  ];
  for (const [cost, nanos] of table) {
    const reported = nanos === undefined ? undefined : { kind: "cost", cost: nanos };
    expect({ cost, is: inBody(usageCost, { usage: { cost } }) }).toEqual({
      cost,
      is: reported,
    } as never);
    expect({ cost, is: inBody(outputsCost, { outputs: { cost } }) }).toEqual({
      cost,
      is: reported,
    } as never);
  }
});

test("an answer without the place where a cost would stand says nothing", () => {
  for (const body of [{}, { usage: null }, { usage: 5 }, { usage: [] }, { outputs: "cost" }]) {
    expect(inBody(usageCost, body)).toBeUndefined();
    expect(inBody(outputsCost, body)).toBeUndefined();
    expect(inBody(predictTime, body)).toBeUndefined();
  }
  for (const reader of [computeTimeHeader, billableUnits]) expect(said(reader, {})).toBeUndefined();
});

test("replicate's seconds and Hugging Face's are exact to the nanosecond", () => {
  const seconds = (nanoseconds: number) => ({
    kind: "measured",
    measured: { computeNanoseconds: nanoseconds },
  });
  expect(inBody(predictTime, { metrics: { predict_time: 1.9 } })).toEqual(
    seconds(1_900_000_000) as never,
  );
  expect(inBody(predictTime, { metrics: { predict_time: 0.123456789 } })).toEqual(
    seconds(123_456_789) as never,
  );
  expect(inBody(predictTime, { metrics: { predict_time: null } })).toBeUndefined();
  const header = (text: string) => said(computeTimeHeader, { headers: { "x-compute-time": text } });
  expect(header("22.899515643")).toEqual(seconds(22_899_515_643) as never);
  expect(header("57")).toEqual(seconds(57_000_000_000) as never);
  for (const text of ["", "-1", "fast", "1e20", "1,5"]) expect(header(text)).toBeUndefined();
});

test("fal's units are counted in billionths, since they need not be whole", () => {
  const units = (text: string) =>
    said(billableUnits, { headers: { "x-fal-billable-units": text } });
  expect(units("1")).toEqual({ kind: "units", billionths: 1_000_000_000n });
  expect(units("0.7864320001")).toEqual({ kind: "units", billionths: 786_432_001n });
  for (const text of ["", "-1", "many"]) expect(units(text)).toBeUndefined();
});

test("who believes a provider's costs believes them for all of its tasks", () => {
  const believed = believing(openAiCompatible("own", "http://127.0.0.1/v1"), "usage.cost");
  const readers = Object.values(believed.tasks).map(({ reported }) => reported);
  expect(readers).toEqual([usageCost, usageCost, usageCost, usageCost]);
});

test("who believes nothing of a provider believes none of its tasks", () => {
  const { tasks } = believing(hfInference, "none");
  expect(Object.values(tasks).filter(({ reported }) => reported)).toEqual([]);
});

test("Text Embeddings Inference counts its time in milliseconds, everyone else in seconds", () => {
  const timeOf = (headers: Record<string, string>) => said(computeTimeHeader, { headers });
  const nanoseconds = (count: number) => ({
    kind: "measured" as const,
    measured: { computeNanoseconds: count },
  });
  const tokens = { "x-compute-tokens": "6" };
  expect(timeOf({ "x-compute-time": "12", ...tokens })).toEqual(nanoseconds(12_000_000));
  expect(timeOf({ "x-compute-time": "0.012", ...tokens })).toEqual(nanoseconds(12_000_000));
  expect(timeOf({ "x-compute-time": "12" })).toEqual(nanoseconds(12_000_000_000));
});
