/** POST /api/turnpike/estimate: what a request would cost, per provider, without sending it. */

import { printPrice } from "../../catalog/quote.js";
import { chatWish, expectedUsage } from "../../gateway/chat/chat-wish.js";
import { estimateInput } from "../../gateway/chat/estimate-usage.js";
import { chatBound } from "../../gateway/money/bound.js";
import { chargedPrice } from "../../gateway/money/funds.js";
import type { ChatCall } from "../../gateway/parts.js";
import { findRoute } from "../../gateway/route/candidates.js";
import { badRequest } from "../../kernel/errors.js";
import { HISTORY_CALLS_MIN, TYPICAL_OUTPUT_TOKENS } from "../../kernel/limits.js";
import type { NanoUsd } from "../../kernel/money.js";
import { type Span, spanOf, textOf } from "../../kernel/span.js";
import { type CostClass, callCosts } from "../../metering/call-costs.js";
import { costOf, mostCost } from "../../metering/cost.js";
import { callsFor, printCalls, printHistory } from "../../metering/forecast.js";
import type { Candidate } from "../../routing/policy.js";
import type { JsonObject } from "../../tasks/json-object.js";
import type { Caller } from "../../tenants/caller.js";
import { parseChatRequest } from "../../wire/chat-request.js";
import { withChanges } from "../../wire/json-changes.js";
import { memberText, readObject } from "../../wire/json-object.js";
import { NO_TAGS } from "../../wire/tags.js";
import { authenticate } from "../authenticate.js";
import { readBody } from "../body.js";
import { type Handler, json, type Site, type Visit } from "../parts.js";
import { billedCaller } from "./bill-to.js";
import { balanceOf, CHAT_ROUTE, estimateModel } from "./estimate-model.js";

/** Whatever a chat request has, and nothing else that can be estimated. */
export const MESSAGES = "messages";

/** The body is any inference body, with its route in `route`; a model's name alone will do. */
export const estimate: Handler = async (site, visit) => {
  const caller = billedCaller(site, visit, await authenticate(site, visit, "read"));
  const body = readObject(await readBody(visit.request, site.gateway.limits.bodyBytesMax, visit));
  const answer = body.has(MESSAGES)
    ? await estimateChat(site, visit, caller, withoutRoute(body))
    : await estimateModel(site, visit, caller, JSON.parse(textOf(body)));
  return json(answer);
};

async function estimateChat(site: Site, visit: Visit, caller: Caller, body: Span) {
  const request = parseChatRequest(body);
  const call: ChatCall = {
    ...visit,
    caller,
    request,
    headerKey: undefined,
    tags: NO_TAGS,
    sender: visit.request,
    admission: undefined,
  };
  const { candidates } = findRoute({ ...site.gateway, dice: NOT_TO_EXPLORE }, call, chatWish);
  const inputTokens = await estimateInput(request);
  const balance = await balanceOf(site, caller);
  const costs = await site.books.callCosts.ofModel(request.model, visit.at);
  return {
    model: request.model,
    route: CHAT_ROUTE,
    input_tokens: inputTokens,
    balance_nano_usd: String(balance),
    providers: candidates.map((candidate) => ({
      ...estimateFor(site, call, candidate, { inputTokens, balance }),
      ...printHistory(
        callCosts(costs.get(candidate.mapping.provider) ?? NO_CLASSES, HISTORY_CALLS_MIN),
      ),
    })),
    assumes: `input counted with the o200k vocabulary; output as asked for, else ${TYPICAL_OUTPUT_TOKENS} tokens`,
  };
}

const NOT_TO_EXPLORE = () => 1;

const NO_CLASSES: readonly CostClass[] = [];

export function withoutRoute(body: JsonObject): Span {
  if (!body.has("route")) return body;
  if (memberText(body, "route") !== JSON.stringify(CHAT_ROUTE)) {
    throw badRequest(`"route" must be "${CHAT_ROUTE}" for a body with messages.`, "route");
  }
  return spanOf(withChanges(body, new Map([["route", undefined]])));
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
  const expected = costOf(
    expectedUsage(site.gateway, mapping, { inputTokens, outputTokens, at: call.at }),
    price,
  );
  const hold = mostCost(bound, price);
  return {
    provider: mapping.provider,
    price: printPrice(price),
    price_source: mapping.source,
    own_key: candidate.keySource !== "operator",
    output_tokens: outputTokens,
    expected_cost_nano_usd: String(expected),
    hold_nano_usd: String(hold),
    calls: printCalls(expected),
    calls_left: callsFor(balance, expected),
  };
}
