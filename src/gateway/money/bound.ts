/** The most that a chat request may use. */
import type { Mapping, Price } from "../../catalog/model.js";
import { charges } from "../../metering/cost.js";
import type { ChatRequest } from "../../tasks/chat-completion.js";
import { computeTime, type UsageBound } from "../../tasks/usage.js";
import { estimateInput } from "../chat/estimate-usage.js";
import type { ChatCall, Gateway } from "../parts.js";
import type { TokensWanted } from "../rates/rate-amounts.js";

export type ChatBound = UsageBound & {
  /** Output tokens per choice. */
  readonly perChoice: number;
  /** Compute time; undefined where it is not charged. */
  readonly computeMs: number | undefined;
};

/** All that is asked for, with every byte of the text counted as a token of input. */
export function chatBound(
  gateway: Gateway,
  request: ChatRequest,
  mapping: Mapping,
  price: Price,
): ChatBound {
  const perChoice = wantedOutput(gateway, request, mapping);
  const computeMs = wantedCompute(gateway, price);
  const inputTokens = request.inputTokensMost;
  const outputTokens = perChoice * request.choices;
  return computeMs === undefined
    ? { inputTokens, outputTokens, perChoice, computeMs }
    : { inputTokens, outputTokens, perChoice, computeMs, measured: computeTime(computeMs) };
}

/** Upper bounds as metering knows them. */
export const boundOf = (
  inputTokens: number,
  outputTokens: number,
  computeMs?: number,
): UsageBound => ({ inputTokens, outputTokens, ...timed(computeMs) });

const timed = (computeMs: number | undefined) =>
  computeMs === undefined ? undefined : { measured: computeTime(computeMs) };

/** Output tokens asked for per choice, or held for where the caller named no limit. */
function wantedOutput({ limits }: Gateway, request: ChatRequest, mapping: Mapping): number {
  const most = mapping.maxOutputTokens ?? mapping.contextLength ?? Number.MAX_SAFE_INTEGER;
  return Math.min(request.maxTokens?.value ?? limits.outputHorizonTokens, most);
}

/** Compute time held for at first; undefined where the price does not charge it. */
const wantedCompute = ({ limits }: Gateway, price: Price): number | undefined =>
  charges(price, "computeNanoseconds")
    ? Math.min(limits.computeHorizonMs, limits.totalMs)
    : undefined;

/** What counts against a rate of tokens, before a provider is chosen. */
export const chatTokens = (gateway: Gateway, { request }: ChatCall): TokensWanted => ({
  input: request.inputTokensMost,
  output: outputMost(gateway, request),
  countInput: () => estimateInput(request),
});

/** The same in one number, for which nothing has to be made. */
export const chatTokensMost = (gateway: Gateway, { request }: ChatCall): number =>
  request.inputTokensMost + outputMost(gateway, request);

const outputMost = ({ limits }: Gateway, { maxTokens, choices }: ChatRequest): number =>
  (maxTokens?.value ?? limits.outputHorizonTokens) * choices;
