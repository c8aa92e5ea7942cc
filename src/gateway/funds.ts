/** Holding the most a request can cost, clamping it to the balance, or refusing it with reasons. */
import type { Mapping, Price } from "../catalog/model.js";
import { nextMonthStart } from "../kernel/clock.js";
import { RouterError } from "../kernel/errors.js";
import { SMALLEST_ANSWER_TOKENS } from "../kernel/limits.js";
import { formatUsd, least, type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import { type Bucket, budgetLimit, planGrant } from "../ledger/account.js";
import type { Hold } from "../ledger/lease-book.js";
import { isChatPrice, mostCost, outputTokensWithin } from "../metering/cost.js";
import type { Candidate } from "../routing/policy.js";
import type { ChatRequest } from "../tasks/chat-completion.js";
import { budgetBucketOf, type Caller, fundsBucketOf } from "../tenants/user.js";
import { estimateInput } from "./estimate-usage.js";
import type { Asking, Cover } from "./lease-keeper.js";
import type { ChatCall, Gateway } from "./parts.js";

/** How long after its last possible moment a request's hold is released by itself. */
const HOLD_GRACE_MS = 60_000;

export type Held = {
  readonly hold: Hold;
  /** Output tokens, all choices together, that the hold covers. */
  readonly outputTokens: number;
  /** The limit per choice that the balance allowed, where it is lower than what was asked for. */
  readonly clampedTo: number | undefined;
};

const NO_PRICE: Price = {};
const UNSURE_RETRY_SECONDS = 5;

/** The price a candidate is charged at: none with an own key or a free offer. */
export const chargedPrice = (candidate: Candidate): Price =>
  candidate.keySource === "operator" && !candidate.mapping.isFree
    ? (candidate.mapping.price ?? NO_PRICE)
    : NO_PRICE;

/** A caller's buckets with what this month opens by itself, for the store. */
export function bucketsOf(gateway: Gateway, { user, token }: Caller): readonly Bucket[] {
  const now = gateway.clock.now();
  const funds = fundsBucketOf(user);
  const credit = gateway.plans.get(user.plan)?.monthlyCredit ?? nanoUsd(0n);
  const buckets: Bucket[] = [{ id: funds, due: planGrant(funds, user.plan, credit, now) }];
  if (token.budget) {
    const id = budgetBucketOf(token);
    buckets.push({ id, due: budgetLimit(id, token.budget, now) });
  }
  return buckets;
}

/** What is free in all of the caller's buckets at once, in this process. */
export const freeFor = (gateway: Gateway, caller: Caller): NanoUsd =>
  leastOver(caller, (id) => gateway.book.free(id, gateway.clock.now()));

/** What the caller could spend, as far as this process knows. */
export const spendableFor = (gateway: Gateway, caller: Caller): NanoUsd =>
  leastOver(caller, (id) => spendableIn(gateway, id));

const spendableIn = ({ book, clock }: Gateway, bucketId: string): NanoUsd =>
  nanoUsd(book.free(bucketId, clock.now()) + book.unleased(bucketId));

const leastOver = ({ bucketIds }: Caller, amountIn: (id: string) => NanoUsd): NanoUsd =>
  bucketIds.length === 1 ? amountIn(bucketIds[0] ?? "") : bucketIds.map(amountIn).reduce(least);

/** Output tokens asked for per choice, or held for where the caller named no limit. */
export function wantedOutput(gateway: Gateway, request: ChatRequest, mapping: Mapping): number {
  const most = mapping.maxOutputTokens ?? mapping.contextLength ?? Number.MAX_SAFE_INTEGER;
  return Math.min(request.maxTokens?.value ?? gateway.limits.outputHorizonTokens, most);
}

/**
 * Holds for one candidate from what is at hand, in memory; undefined where that does not do. The input counts for
 * as many tokens as it has bytes, which costs nothing to find out.
 */
export function holdAtOnce(
  gateway: Gateway,
  call: ChatCall,
  candidate: Candidate,
): Held | undefined {
  const { most, outputTokens } = mostOf(gateway, call, candidate);
  if (most === 0n && !call.caller.bucketIds.every((id) => gateway.book.has(id))) return undefined;
  const hold = tryHold(gateway, call, most);
  return hold && { hold, outputTokens, clampedTo: undefined };
}

/** The most that a request can cost at a candidate, before anybody counted its input. */
function mostOf(
  gateway: Gateway,
  { request }: ChatCall,
  candidate: Candidate,
): { readonly most: NanoUsd; readonly perChoice: number; readonly outputTokens: number } {
  const perChoice = wantedOutput(gateway, request, candidate.mapping);
  const outputTokens = perChoice * request.choices;
  const bound = { inputTokens: request.inputTokensMost, outputTokens };
  return { most: mostCost(bound, chargedPrice(candidate)), perChoice, outputTokens };
}

/**
 * Holds for one candidate with what the store still has; where the most it can cost does not fit, its input is
 * counted. Throws `insufficient_credit` when not even the smallest useful answer fits.
 */
export async function holdFor(
  gateway: Gateway,
  call: ChatCall,
  candidate: Candidate,
): Promise<Held> {
  const { request, caller } = call;
  const { most, perChoice, outputTokens } = mostOf(gateway, call, candidate);
  const whole = (hold: Hold): Held => ({ hold, outputTokens, clampedTo: undefined });
  if (most === 0n) await learnBalance(gateway, caller);
  const ask = gateway.keeper.newAsk();
  const covered = await coverUntil(gateway, caller, most, () => tryHold(gateway, call, most), {
    ask,
    atLeast: most,
  });
  if (covered.taken) return whole(covered.taken);

  const inputTokens = Math.min(await estimateInput(request), request.inputTokensMost);
  return holdWhatFits(gateway, call, candidate, { inputTokens, perChoice }, ask);
}

/** Holds for as much output as there is money for, up to what is wanted. */
async function holdWhatFits(
  gateway: Gateway,
  call: ChatCall,
  candidate: Candidate,
  wanted: { readonly inputTokens: number; readonly perChoice: number },
  ask: number,
): Promise<Held> {
  const { request, caller } = call;
  const smallest = Math.min(wanted.perChoice, SMALLEST_ANSWER_TOKENS);
  const costOf = (perChoice: number): NanoUsd => {
    const outputTokens = perChoice * request.choices;
    return mostCost({ ...wanted, outputTokens }, chargedPrice(candidate));
  };
  const atLeast = costOf(smallest);
  for (;;) {
    const whole = costOf(wanted.perChoice);
    const holdWhole = () => tryHold(gateway, call, whole);
    const { taken, cover } = await coverUntil(gateway, caller, whole, holdWhole, { ask, atLeast });
    const outputTokens = wanted.perChoice * request.choices;
    if (taken) return { hold: taken, outputTokens, clampedTo: undefined };
    const clamped = clamp(gateway, call, candidate, { ...wanted, smallest });
    if (clamped) return clamped;
    // What was found went to another request; there is more.
    if (spendableFor(gateway, caller) >= atLeast) continue;
    if (cover === "unsure") throw notKnown();
    throw refusal(gateway, call, candidate, { ...wanted, smallest });
  }
}

/** What costs nothing needs no cover, but its answer says what is left, so the store is asked once. */
async function learnBalance(gateway: Gateway, caller: Caller): Promise<void> {
  for (const bucket of bucketsOf(gateway, caller)) {
    if (gateway.book.has(bucket.id)) continue;
    // Without the store the answer is as good, and the balance in it is 0.
    await gateway.keeper.refresh(bucket).catch(() => undefined);
  }
}

/**
 * Has the caller's buckets covered, and takes of them. What was covered may by then be another request's, so this
 * goes on as long as there is enough; every further round means that someone was served. Throws when the store
 * cannot be asked.
 */
async function coverUntil<Taken>(
  gateway: Gateway,
  caller: Caller,
  amount: NanoUsd,
  take: () => Taken | undefined,
  asking: Asking,
): Promise<{ readonly taken: Taken | undefined; readonly cover: Cover }> {
  const buckets = bucketsOf(gateway, caller);
  for (;;) {
    const cover = await gateway.keeper.cover(buckets, amount, asking);
    const taken = take();
    if (taken !== undefined || cover !== "covered") return { taken, cover };
  }
}

/** The same for whoever can do with less; undefined when there is not enough. */
export async function coverAndTake<Taken>(
  gateway: Gateway,
  caller: Caller,
  amount: NanoUsd,
  take: () => Taken | undefined,
): Promise<Taken | undefined> {
  const asking = { ask: gateway.keeper.newAsk(), atLeast: ZERO };
  return (await coverUntil(gateway, caller, amount, take, asking)).taken;
}

/** Adds all of `amount` to a hold where that is at hand; undefined where it is not. */
export function extendHold(
  gateway: Gateway,
  caller: Caller,
  hold: Hold,
  amount: NanoUsd,
): true | undefined {
  if (freeFor(gateway, caller) < amount) return undefined;
  gateway.book.extend(hold, amount, gateway.clock.now());
  return true;
}

/** Undefined when not even the smallest useful answer fits in what is at hand. */
function clamp(
  gateway: Gateway,
  call: ChatCall,
  candidate: Candidate,
  wanted: { readonly inputTokens: number; readonly smallest: number },
): Held | undefined {
  const { choices } = call.request;
  const price = chargedPrice(candidate);
  const available = freeFor(gateway, call.caller);
  const fits = Math.floor(outputTokensWithin(available, wanted.inputTokens, price) / choices);
  if (fits < wanted.smallest) return undefined;
  const outputTokens = fits * choices;
  const most = mostCost({ inputTokens: wanted.inputTokens, outputTokens }, price);
  const hold = tryHold(gateway, call, most);
  return hold && { hold, outputTokens, clampedTo: fits };
}

function tryHold(gateway: Gateway, call: ChatCall, amount: NanoUsd): Hold | undefined {
  const now = gateway.clock.now();
  const expiresAt = now + gateway.limits.totalMs + HOLD_GRACE_MS;
  const answer = gateway.book.hold(call.caller.bucketIds, amount, now, expiresAt);
  return answer.ok ? answer.hold : undefined;
}

/** Credit may be there, with a node that fell silent. Nobody is told that it ended before that is known. */
const notKnown = (): RouterError =>
  new RouterError(
    "store_unavailable",
    "What is left of your credit is set aside for a server that does not answer. It will be free again soon. Try again shortly.",
    { retryAfterSeconds: UNSURE_RETRY_SECONDS },
  );

function refusal(
  gateway: Gateway,
  call: ChatCall,
  { mapping }: Candidate,
  need: { readonly inputTokens: number; readonly smallest: number },
): RouterError {
  const { caller, request } = call;
  const price = mapping.price ?? NO_PRICE;
  const needed = mostCost(
    { inputTokens: need.inputTokens, outputTokens: need.smallest * request.choices },
    price,
  );
  // What is too little for anything here was left in the store.
  const available = spendableFor(gateway, caller);
  const fits = Math.floor(outputTokensWithin(available, need.inputTokens, price) / request.choices);
  const tightest = caller.bucketIds.find((id) => spendableIn(gateway, id) === available);
  const isBudget = tightest?.startsWith("token:") === true;
  const isForGood = isBudget && caller.token.budget?.period === "total";
  const resets = isForGood ? null : new Date(nextMonthStart(gateway.clock.now())).toISOString();
  const what = isBudget ? `The budget of your token "${caller.token.name}"` : "Your credit";
  return new RouterError(
    "insufficient_credit",
    `${what} does not cover this request: the smallest useful answer of ${mapping.modelId} by ${mapping.provider} needs $${formatUsd(needed)}, $${formatUsd(available)} is left. ${resets === null ? "It does not reset" : `It resets at ${resets}`}.`,
    {
      extra: {
        bucket: isBudget ? "token_budget" : "credit",
        needed_nano_usd: String(needed),
        available_nano_usd: String(available),
        resets_at: resets,
        price: { provider: mapping.provider, ...printPrice(price) },
        max_tokens_that_fit: fits,
        cheapest_alternative: cheapestAlternative(gateway, need.inputTokens, available),
      },
    },
  );
}

/** USD per million tokens, as decimal text. */
export const printPrice = (price: Price): Record<string, string> =>
  Object.fromEntries(Object.entries(price).map(([unit, each]) => [unit, formatUsd(each)]));

/** The cheapest chat model that the rest of the balance still pays for; null when there is none. */
function cheapestAlternative(gateway: Gateway, inputTokens: number, available: NanoUsd): unknown {
  let best: { model: string; cost: NanoUsd } | undefined;
  for (const model of gateway.catalog.all()) {
    if (model.task !== "conversational") continue;
    for (const mapping of model.mappings) {
      const configured = gateway.providers.get(mapping.provider);
      const isReady = configured?.key !== undefined || configured?.provider.needsKey === false;
      if (!isReady || mapping.status !== "live") continue;
      if (!mapping.price || !isChatPrice(mapping.price)) continue;
      const cost = mostCost({ inputTokens, outputTokens: SMALLEST_ANSWER_TOKENS }, mapping.price);
      if (!best || cost < best.cost) best = { model: `${model.id}:${mapping.provider}`, cost };
    }
  }
  if (!best || best.cost > available) return null;
  return { model: best.model, needed_nano_usd: String(best.cost) };
}
