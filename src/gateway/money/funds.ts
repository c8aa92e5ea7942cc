/** What a payer has, and getting hold of it wherever it is leased. */
import type { Price } from "../../catalog/model.js";
import { assert } from "../../kernel/errors.js";
import { least, type NanoUsd, nanoUsd, ZERO } from "../../kernel/money.js";
import type { Hold } from "../../ledger/bucket-lease.js";
import type { Candidate } from "../../routing/policy.js";
import type { Caller } from "../../tenants/caller.js";
import type { Gateway } from "../parts.js";
import type { Asking, Covered } from "./lease-keeper.js";

const NO_PRICE: Price = {};

/** The price a candidate is charged at: none with an own key or a free mapping. */
export const chargedPrice = (candidate: Candidate): Price =>
  candidate.keySource === "operator" && !candidate.mapping.isFree
    ? (candidate.mapping.price ?? NO_PRICE)
    : NO_PRICE;

/** What is free in all of the caller's buckets at once, in this process. */
export const freeFor = (gateway: Gateway, caller: Caller): NanoUsd =>
  leastOver(gateway, caller, freeIn);

/** What the caller could spend without asking other processes for what they have leased. */
export const spendableFor = (gateway: Gateway, caller: Caller): NanoUsd =>
  leastOver(gateway, caller, spendableIn);

/** What the caller is told is left, to the best of this process's knowledge: what others hold or spend meanwhile is in it. */
export const balanceFor = (gateway: Gateway, caller: Caller): NanoUsd =>
  leastOver(gateway, caller, leftAnywhereIn);

const leftAnywhereIn = ({ book, clock }: Gateway, bucketId: string): NanoUsd =>
  book.leftAnywhere(bucketId, clock.now());

const freeIn = ({ book, clock }: Gateway, bucketId: string): NanoUsd =>
  book.free(bucketId, clock.now());

/** What is free in one bucket here, and what nobody had leased of it when the store was last asked. */
export const spendableIn = (gateway: Gateway, bucketId: string): NanoUsd =>
  nanoUsd(freeIn(gateway, bucketId) + gateway.book.unleased(bucketId));

function leastOver(
  gateway: Gateway,
  { bucketIds }: Caller,
  amountIn: (gateway: Gateway, id: string) => NanoUsd,
): NanoUsd {
  let amount: NanoUsd | undefined;
  for (const id of bucketIds) {
    const inThis = amountIn(gateway, id);
    amount = amount === undefined ? inThis : least(amount, inThis);
  }
  assert(amount !== undefined, "a caller has at least one bucket");
  return amount;
}

/** What costs nothing needs no cover, but its answer says what is left, so the store is asked once. */
export async function learnBalance(gateway: Gateway, caller: Caller): Promise<void> {
  for (const id of caller.bucketIds) {
    if (gateway.book.has(id)) continue;
    // Without the store the answer is as good, and the balance in it is 0.
    await gateway.keeper.refresh(id).catch(() => undefined);
  }
}

/**
 * Has buckets covered, and takes of them. What was covered may by then be another request's, so this goes on as long
 * as there is enough; every further round means that someone was served. Throws when the store cannot be asked.
 */
export async function coverUntil<Taken>(
  { keeper }: Pick<Gateway, "keeper">,
  bucketIds: readonly string[],
  amount: NanoUsd,
  take: () => Taken | undefined,
  asking: Asking,
): Promise<Covered<Taken>> {
  for (;;) {
    const covered = await keeper.cover(bucketIds, amount, asking, take);
    if (covered.taken !== undefined || covered.cover !== "covered") return covered;
  }
}

/** The same for a caller's buckets, and for whoever can do with less; undefined when there is not enough. */
export const coverAndTake = <Taken>(
  gateway: Gateway,
  caller: Caller,
  amount: NanoUsd,
  take: () => Taken | undefined,
): Promise<Taken | undefined> => coverBuckets(gateway, caller.bucketIds, amount, take);

/** The same for buckets by name. */
export async function coverBuckets<Taken>(
  gateway: Pick<Gateway, "keeper">,
  bucketIds: readonly string[],
  amount: NanoUsd,
  take: () => Taken | undefined,
): Promise<Taken | undefined> {
  const asking = { ask: gateway.keeper.newAsk(), atLeast: ZERO };
  return (await coverUntil(gateway, bucketIds, amount, take, asking)).taken;
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

/** Adds all of `amount` to a hold, from wherever it is leased; false where there is less, or nobody to ask. */
export async function growHold(
  gateway: Gateway,
  caller: Caller,
  hold: Hold,
  amount: NanoUsd,
): Promise<boolean> {
  const extend = () => extendHold(gateway, caller, hold, amount);
  if (extend()) return true;
  const isExtended = await coverAndTake(gateway, caller, amount, extend).catch(() => undefined);
  return isExtended === true;
}
