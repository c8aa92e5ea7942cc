/** The most that a chat request may use. */
import type { Mapping, Price } from "../catalog/model.js";
import { charges } from "../metering/cost.js";
import type { ChatRequest } from "../tasks/chat-completion.js";
import { computeTime, type UsageBound } from "../tasks/usage.js";
import type { Gateway } from "./parts.js";

/** Output tokens asked for per choice, or held for where the caller named no limit. */
export function wantedOutput(gateway: Gateway, request: ChatRequest, mapping: Mapping): number {
  const most = mapping.maxOutputTokens ?? mapping.contextLength ?? Number.MAX_SAFE_INTEGER;
  return Math.min(request.maxTokens?.value ?? gateway.limits.outputHorizonTokens, most);
}

/** Compute time held for at first; undefined where the price does not charge it. */
export const wantedCompute = ({ limits }: Gateway, price: Price): number | undefined =>
  charges(price, "computeNanoseconds")
    ? Math.min(limits.computeHorizonMs, limits.totalMs)
    : undefined;

/** Upper bounds as metering knows them. */
export const boundOf = (
  inputTokens: number,
  outputTokens: number,
  computeMs?: number,
): UsageBound => ({
  inputTokens,
  outputTokens,
  ...(computeMs !== undefined && { measured: computeTime(computeMs) }),
});

/** The most a request may use, with every byte of its text counted as a token of input. */
export function mostUsage(
  gateway: Gateway,
  request: ChatRequest,
  mapping: Mapping,
  price: Price,
): UsageBound {
  const outputTokens = wantedOutput(gateway, request, mapping) * request.choices;
  return boundOf(request.inputTokensMost, outputTokens, wantedCompute(gateway, price));
}
