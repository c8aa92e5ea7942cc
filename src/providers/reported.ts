/**
 * How providers themselves say what a request cost or how long it took. Pure readers: a task's adapter names the one
 * that its provider's entry is believed with. What is no plain number says nothing.
 */
import { ceilDecimal, ceilNumber } from "../kernel/decimal.js";
import { nanoUsd } from "../kernel/money.js";
import type { Reported } from "../tasks/usage.js";
import type { CostReader, Provider } from "./provider.js";

/** `usage.cost` in dollars, as routers and some servers of one's own send it. */
export const usageCost: CostReader = ({ member }) => costIn(member("usage"), "cost");

/** Together's videos: `outputs.cost` in dollars. From general knowledge, on no recording. */
export const outputsCost: CostReader = ({ member }) => costIn(member("outputs"), "cost");

/**
 * Hugging Face's `x-compute-time`, in seconds with up to nine decimals; on plain answers only. Text Embeddings
 * Inference alone sends `x-compute-tokens` beside it, and then writes whole milliseconds (router/src/http/server.rs).
 */
export const computeTimeHeader: CostReader = ({ header }) => {
  const text = header("x-compute-time");
  if (text === undefined) return undefined;
  const isMilliseconds = header("x-compute-tokens") !== undefined && /^\d+$/.test(text);
  return computeTime(ceilDecimal(text, isMilliseconds ? NANO_DIGITS - 3 : NANO_DIGITS));
};

/** Replicate's `metrics.predict_time`, in seconds. From general knowledge, on no recording. */
export const predictTime: CostReader = ({ member }) =>
  computeTime(ceilNumber(memberOf(member("metrics"), "predict_time"), NANO_DIGITS));

/** fal's `x-fal-billable-units`: how often its price is charged, whatever it is quoted in. */
export const billableUnits: CostReader = ({ header }) => {
  const text = header("x-fal-billable-units");
  const billionths = text === undefined ? undefined : ceilDecimal(text, NANO_DIGITS);
  return billionths === undefined ? undefined : { kind: "units", billionths };
};

/** What `reported_cost` in the configuration can name. */
export const COST_READERS = {
  "usage.cost": usageCost,
  "x-compute-time": computeTimeHeader,
  none: undefined,
} as const satisfies Record<string, CostReader | undefined>;

export type CostReaderName = keyof typeof COST_READERS;

/** A provider whose answers to all tasks are believed in this way, and in no other. */
export function believing(provider: Provider, name: CostReaderName): Provider {
  const reported = COST_READERS[name];
  const { conversational, ...others } = provider.tasks;
  const tasks = Object.entries(others).map(([task, { start, next }]) => {
    return [task, { start, next, ...(reported && { reported }) }] as const;
  });
  return {
    ...provider,
    tasks: {
      ...(conversational && { conversational: { ...conversational, reported } }),
      ...Object.fromEntries(tasks),
    },
  };
}

const NANO_DIGITS = 9;

function costIn(value: unknown, name: string): Reported | undefined {
  const nanos = ceilNumber(memberOf(value, name), NANO_DIGITS);
  return nanos === undefined ? undefined : { kind: "cost", cost: nanoUsd(nanos) };
}

/** A time too long to count in nanoseconds is nonsense. */
function computeTime(nanoseconds: bigint | undefined): Reported | undefined {
  if (nanoseconds === undefined || nanoseconds > Number.MAX_SAFE_INTEGER) return undefined;
  return { kind: "measured", measured: { computeNanoseconds: Number(nanoseconds) } };
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
