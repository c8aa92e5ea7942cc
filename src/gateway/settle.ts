/** The end of every request: what it used, what that costs, who is charged, and the record of it. */
import { type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import type { Charge } from "../ledger/lease-book.js";
import type { Started } from "../ledger/spool-record.js";
import type { Settlement } from "../ledger/store.js";
import { costOf } from "../metering/cost.js";
import type { Candidate } from "../routing/policy.js";
import { noUsage, type Usage } from "../tasks/usage.js";
import { bucketsOf, chargedPrice, coverAndTake, extendHold, type Held } from "./funds.js";
import type { ChatCall, Gateway } from "./parts.js";

export type Ending = {
  readonly usage: Usage;
  readonly status: number;
  readonly outcome: Settlement["outcome"];
  readonly firstByteMs: number | undefined;
  readonly attempts: number;
};

/** HTTP has no status for a caller who hung up; this one is nginx's. */
export const CALLER_GONE = 499;

/**
 * Charges what the usage costs, as far as the payer's funds go, and spools it. Resolves to what was charged once
 * the record is in the file, so whoever sends the last byte waits for it.
 */
export async function settle(
  gateway: Gateway,
  call: ChatCall,
  candidate: Candidate,
  held: Held,
  ending: Ending,
): Promise<NanoUsd> {
  const cost = costOf(ending.usage, chargedPrice(candidate));
  if (cost > held.hold.amount) await coverExcess(gateway, call, held, cost);
  const charge = gateway.book.settle(held.hold, cost, gateway.clock.now());
  for (const id of call.caller.bucketIds) {
    if (gateway.keeper.isLow(id)) renew(gateway, call, id);
  }
  await gateway.spool.settled(settlementOf(gateway, call, candidate, ending, cost, charge));
  return charge.charged;
}

/** Ends a request that was started but delivered nothing: nothing is charged, the hold goes back. */
export function settleNothing(
  gateway: Gateway,
  call: ChatCall,
  candidate: Candidate,
  ending: Omit<Ending, "usage" | "firstByteMs">,
): Promise<void> {
  const nothing = { ...ending, usage: noUsage, firstByteMs: undefined };
  return gateway.spool.settled(settlementOf(gateway, call, candidate, nothing, ZERO, NO_CHARGE));
}

function renew(gateway: Gateway, call: ChatCall, bucketId: string): void {
  const bucket = bucketsOf(gateway, call.caller).find(({ id }) => id === bucketId);
  if (bucket) gateway.keeper.renew(bucket);
}

/** A cost above its hold is charged as far as the payer's funds go, wherever they are leased. */
async function coverExcess(
  gateway: Gateway,
  call: ChatCall,
  held: Held,
  cost: NanoUsd,
): Promise<void> {
  const excess = nanoUsd(cost - held.hold.amount);
  const extend = () => extendHold(gateway, call.caller, held.hold, excess);
  // Without the store, what is at hand must do; the rest is counted as overrun.
  if (!extend()) await coverAndTake(gateway, call.caller, excess, extend).catch(() => undefined);
}

/** What is known of a request before anybody answered it. */
export function startedRecord(
  gateway: Gateway,
  call: ChatCall,
  { mapping, keySource }: Candidate,
): Started {
  return {
    id: call.id,
    node: gateway.node,
    at: call.at,
    userId: call.caller.user.id,
    tokenId: call.caller.token.id,
    model: mapping.modelId,
    task: mapping.task,
    provider: mapping.provider,
    isOwnKey: keySource !== "operator",
    isStream: call.request.isStream,
  };
}

const NO_CHARGE: Charge = { debits: [], charged: ZERO, overrun: ZERO };

/** Written out member by member: this and the record above are the two objects that every request leaves. */
const settlementOf = (
  gateway: Gateway,
  { id, caller, request, at, startedAt }: ChatCall,
  { mapping, keySource }: Candidate,
  { usage, status, outcome, firstByteMs, attempts }: Ending,
  cost: NanoUsd,
  { debits, overrun }: Charge,
): Settlement => ({
  id,
  node: gateway.node,
  at,
  userId: caller.user.id,
  tokenId: caller.token.id,
  model: mapping.modelId,
  task: mapping.task,
  provider: mapping.provider,
  isOwnKey: keySource !== "operator",
  isStream: request.isStream,
  status,
  outcome,
  usage,
  cost,
  debits,
  overrun,
  durationMs: Math.round(gateway.clock.elapsed() - startedAt),
  firstByteMs,
  attempts,
});
