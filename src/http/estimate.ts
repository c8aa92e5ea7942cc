/** POST /api/turnpike/estimate: what a request would cost, per provider, without sending it. */
import { printPrice } from "../catalog/quote.js";
import { chatBound } from "../gateway/bound.js";
import { expectedUsage, findRoute } from "../gateway/candidates.js";
import { estimateInput } from "../gateway/estimate-usage.js";
import { bucketsOf, chargedPrice, spendableFor } from "../gateway/funds.js";
import type { ChatCall } from "../gateway/parts.js";
import { badRequest } from "../kernel/errors.js";
import { TYPICAL_OUTPUT_TOKENS } from "../kernel/limits.js";
import type { NanoUsd } from "../kernel/money.js";
import { costOf, mostCost } from "../metering/cost.js";
import type { Candidate } from "../routing/policy.js";
import { parseChatRequest } from "../wire/chat-request.js";
import { membersOf, withChanges } from "../wire/json-members.js";
import { authenticate } from "./authenticate.js";
import { readBody } from "./body.js";
import { type Handler, json, type Site } from "./parts.js";

const CHAT_ROUTE = "/v1/chat/completions";

/** The body is the inference body itself, with its route in `route`; chat when that is missing. */
export const estimate: Handler = async (site, visit) => {
  const caller = await authenticate(site, visit, "read");
  const text = await readBody(visit.request, site.gateway.limits.bodyBytesMax);
  const request = parseChatRequest(withoutRoute(text));
  const call: ChatCall = {
    ...visit,
    caller,
    request,
    headerKey: undefined,
    signal: visit.request.signal,
  };
  const { candidates } = findRoute(site.gateway, call);
  const inputTokens = await estimateInput(request);
  for (const bucket of bucketsOf(site.gateway, caller)) await site.gateway.keeper.refresh(bucket);
  const balance = spendableFor(site.gateway, caller);
  return json({
    model: request.model,
    route: CHAT_ROUTE,
    input_tokens: inputTokens,
    balance_nano_usd: String(balance),
    providers: candidates.map((candidate) =>
      estimateFor(site, call, candidate, { inputTokens, balance }),
    ),
    assumes: `input counted with the o200k vocabulary; output as asked for, else ${TYPICAL_OUTPUT_TOKENS} tokens`,
  });
};

function withoutRoute(text: string): string {
  const members = membersOf(text);
  const route = members.get("route");
  if (!route) return text;
  if (text.slice(route.valueStart, route.end) !== JSON.stringify(CHAT_ROUTE)) {
    throw badRequest(`"route" must be "${CHAT_ROUTE}": only chat can be estimated yet.`, "route");
  }
  return withChanges(text, members, new Map([["route", undefined]]));
}

function estimateFor(
  site: Site,
  call: ChatCall,
  candidate: Candidate,
  { inputTokens, balance }: { readonly inputTokens: number; readonly balance: NanoUsd },
) {
  const { request } = call;
  const { mapping } = candidate;
  const price = chargedPrice(candidate);
  const bound = chatBound(site.gateway, request, mapping, price);
  const typical = request.maxTokens?.value ?? Math.min(TYPICAL_OUTPUT_TOKENS, bound.perChoice);
  const outputTokens = typical * request.choices;
  const expected = costOf(expectedUsage(site.gateway, mapping, inputTokens, outputTokens), price);
  const hold = mostCost(bound, price);
  return {
    provider: mapping.provider,
    price: printPrice(price),
    price_source: mapping.source,
    own_key: candidate.keySource !== "operator",
    output_tokens: outputTokens,
    expected_cost_nano_usd: String(expected),
    hold_nano_usd: String(hold),
    calls_left: expected === 0n ? null : String(balance / expected),
  };
}
