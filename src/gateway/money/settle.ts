/** The end of every request: what it used, what that costs, who is charged, and the record of it. */
import type { Clock } from "../../kernel/clock.js";
import { digitsOf, type NanoUsd, nanoUsd, ZERO } from "../../kernel/money.js";
import type { Charge } from "../../ledger/lease-book.js";
import type { ReceiptDetails } from "../../ledger/receipt.js";
import type { Ended, Started } from "../../ledger/spool-record.js";
import type { Settlement } from "../../ledger/store.js";
import { type Bill, billOf } from "../../metering/reported.js";
import { type Candidate, policyName } from "../../routing/policy.js";
import { noUsage, type Reported, type Usage } from "../../tasks/usage.js";
import type { Facts } from "../answer-headers.js";
import type { Call, Gateway } from "../parts.js";
import { chargedPrice, growHold } from "./funds.js";
import type { Held } from "./hold.js";
import { profileFor } from "./profiles.js";

export type Ending = {
  readonly usage: Usage;
  /** What the provider itself says of the cost, where it does. */
  readonly reported?: Reported | undefined;
  readonly status: number;
  readonly outcome: Settlement["outcome"];
  readonly firstByteMs: number | undefined;
  readonly way: Way;
};

/** How a request came to whom it ended with. */
export type Way = Pick<Facts, "policy" | "tried" | "clamped">;

/** HTTP has no status for a caller who hung up; this one is nginx's. */
export const CALLER_GONE = 499;

/** What was charged, and the promise that the record of it is in the file, for which whoever sends the last byte waits. */
export type Settled = { readonly charged: NanoUsd; readonly written: Promise<void> };

/**
 * Charges what the usage costs, as far as the payer's funds go, and spools it. Resolves to what was charged once
 * the record is in the file, so whoever sends the last byte waits for it.
 */
export async function settle(
  gateway: Gateway,
  call: Call,
  candidate: Candidate,
  held: Held,
  ending: Ending,
): Promise<NanoUsd> {
  const { charged, written } = await charge(gateway, call, candidate, held, ending);
  await written;
  return charged;
}

/** The same without waiting for the file; at once where the cost was held for, as it nearly always is. */
export function charge(
  gateway: Gateway,
  call: Call,
  candidate: Candidate,
  held: Held,
  ending: Ending,
): Settled | Promise<Settled> {
  const { inputTokens, outputTokens } = ending.usage;
  call.admission?.end(inputTokens + outputTokens);
  const bill = billOf(ending.usage, ending.reported, chargedPrice(candidate));
  return bill.cost > held.hold.amount
    ? chargeBeyond(gateway, call, candidate, held, ending, bill)
    : chargeBill(gateway, call, candidate, held, ending, bill);
}

/** Charged as far as the payer's funds go, wherever they are leased; the rest is counted as overrun. */
async function chargeBeyond(
  gateway: Gateway,
  call: Call,
  candidate: Candidate,
  held: Held,
  ending: Ending,
  bill: Bill,
): Promise<Settled> {
  await growHold(gateway, call.caller, held.hold, nanoUsd(bill.cost - held.hold.amount));
  return chargeBill(gateway, call, candidate, held, ending, bill);
}

function chargeBill(
  { book, clock, keeper, spool }: Gateway,
  call: Call,
  candidate: Candidate,
  { hold }: Held,
  ending: Ending,
  bill: Bill,
): Settled {
  const most = hold.amount;
  const charge = book.settle(hold, bill.cost, clock.now());
  for (const id of call.caller.bucketIds) if (keeper.isLow(id)) keeper.renew(id);
  const details = detailsOf(ending.way, most);
  const settlement = settlementOf(clock, call, candidate, ending, bill, charge, details);
  return { charged: charge.charged, written: spool.settled(settlement) };
}

/** Ends a request that was started but delivered nothing: nothing is charged, the hold goes back. */
export function settleNothing(
  gateway: Gateway,
  call: Call,
  candidate: Candidate,
  ending: Omit<Ending, "usage" | "reported" | "firstByteMs">,
): Promise<void> {
  call.admission?.end(0);
  const nothing = { ...ending, usage: noUsage, firstByteMs: undefined };
  const details = detailsOf(ending.way, ZERO);
  return gateway.spool.settled(
    settlementOf(gateway.clock, call, candidate, nothing, NO_BILL, NO_CHARGE, details),
  );
}

const detailsOf = ({ policy, tried, clamped }: Way, held: NanoUsd): ReceiptDetails => [
  policyName(policy),
  clamped,
  tried,
  digitsOf(held),
];

/** What is known of a request before anybody answered it. */
export const startedRecord = (call: Call, candidate: Candidate): Started => ({
  id: call.id,
  profile: profileFor(call.caller, candidate),
  at: call.at,
  isStream: call.request.isStream,
  tags: call.tags,
});

const NO_BILL: Bill = { usage: noUsage, cost: ZERO, counted: undefined };
const NO_CHARGE: Charge = { debits: [], charged: ZERO, overrun: ZERO };

/** Written out member by member: this and the record above are the two objects that every request leaves. */
const settlementOf = (
  clock: Clock,
  { id, caller, request, at, startedAt, tags }: Call,
  candidate: Candidate,
  { status, outcome, firstByteMs, way }: Ending,
  { usage, cost, counted }: Bill,
  { debits, overrun }: Charge,
  details: ReceiptDetails,
): Ended => ({
  id,
  profile: profileFor(caller, candidate),
  at,
  isStream: request.isStream,
  status,
  outcome,
  usage,
  cost,
  counted,
  debits,
  overrun,
  durationMs: Math.round(clock.elapsed() - startedAt),
  firstByteMs,
  attempts: way.tried.length,
  tags,
  details,
});
