/** Writes the lines of the spool; `spool-record.ts` says what stands in them, and reads them. */
import type { NanoUsd } from "../kernel/money.js";
import type { Usage } from "../tasks/usage.js";
import type { AwaitedCost } from "./late-cost.js";
import { type LineBuffer, type LineStart, lineStart } from "./line-buffer.js";
import type { Profile } from "./profile.js";
import type { ReceiptDetails } from "./receipt.js";
import { AWAITED, type Ended, SETTLED, STARTED, type Started } from "./spool-record.js";
import type { Settlement } from "./store.js";

export function printStarted(lines: LineBuffer, started: Started): void {
  lines.begin(startsFor(started.profile).started);
  printBeginning(lines, started);
  lines.text("]");
  lines.end();
}

export function printSettled(lines: LineBuffer, ended: Ended): void {
  const { profile, status, outcome, durationMs, firstByteMs, attempts, usage, debits } = ended;
  const [only] = debits;
  if (only && debits.length === 1) {
    lines.begin(chargedStart(profile, only.account));
  } else {
    lines.begin(startsFor(profile).settled);
    printAccounts(lines, debits);
  }
  lines.text("]\t[");
  printBeginning(lines, ended);
  printNumber(lines, status);
  lines.text(",");
  lines.quoted(outcome);
  printNumber(lines, durationMs);
  printNumber(lines, firstByteMs);
  printNumber(lines, attempts);
  printUsage(lines, usage);
  printAmount(lines, ended.cost);
  printAmount(lines, ended.overrun);
  printAmount(lines, ended.counted);
  for (const { amount } of debits) printAmount(lines, amount);
  // What only receipts tell comes last, so that a drain need not parse it.
  lines.text("]\t");
  if (ended.details) printDetails(lines, ended.details);
  lines.end();
}

function printAccounts(lines: LineBuffer, debits: Settlement["debits"]): void {
  for (let i = 0; i < debits.length; i++) {
    if (i > 0) lines.text(",");
    lines.quoted(debits[i]?.account ?? "");
  }
}

/** Only for providers that say later what a request cost. */
export function printAwaited(lines: LineBuffer, a: AwaitedCost): void {
  lines.begin();
  lines.text(AWAITED);
  lines.text(JSON.stringify([a.requestId, a.provider, a.providerRequestId, a.at, ...a.bucketIds]));
  if (a.job) lines.text(`\t${JSON.stringify(a.job)}`);
  lines.end();
}

function printBeginning(
  lines: LineBuffer,
  { id, at, isStream, tags }: Pick<Settlement, "id" | "at" | "isStream" | "tags">,
): void {
  lines.quoted(id);
  printNumber(lines, at);
  printFlag(lines, isStream);
  lines.text(tags.length === 0 ? ",[]" : `,${JSON.stringify(tags)}`);
}

function printUsage(lines: LineBuffer, usage: Usage): void {
  printNumber(lines, usage.inputTokens);
  printNumber(lines, usage.cachedInputTokens);
  printNumber(lines, usage.cacheWriteTokens);
  printNumber(lines, usage.outputTokens);
  printNumber(lines, usage.reasoningTokens);
  printFlag(lines, usage.estimated);
  lines.text(usage.measured ? `,${JSON.stringify(usage.measured)}` : ",null");
}

function printDetails(lines: LineBuffer, [policy, clamped, tried, held]: ReceiptDetails): void {
  lines.text("[");
  lines.quoted(policy);
  lines.text(",");
  lines.quoted(clamped);
  lines.text(",[");
  for (let i = 0; i < tried.length; i++) {
    if (i > 0) lines.text(",");
    lines.quoted(tried[i] ?? "");
  }
  lines.text("],");
  lines.quoted(held);
  lines.text("]");
}

function printNumber(lines: LineBuffer, value: number | undefined): void {
  lines.text(",");
  if (value === undefined) lines.text("null");
  else lines.number(value);
}

const printFlag = (lines: LineBuffer, value: boolean): void =>
  lines.text(value ? ",true" : ",false");

/** A number, or where a double would not hold it, digits in quotes. */
function printAmount(lines: LineBuffer, amount: NanoUsd | undefined): void {
  if (amount === undefined || amount <= Number.MAX_SAFE_INTEGER) {
    printNumber(lines, amount === undefined ? undefined : Number(amount));
    return;
  }
  lines.text(",");
  lines.quoted(String(amount));
}

type Starts = {
  readonly started: LineStart;
  readonly settled: LineStart;
  /** The same with the account that was charged last: hardly ever is it another one. */
  account: string | undefined;
  charged: LineStart;
};

/** By profile, which most of a line is made of. */
const starts = new WeakMap<Profile, Starts>();

function startsFor(profile: Profile): Starts {
  let made = starts.get(profile);
  if (made === undefined) {
    const { text } = profile;
    const settled = lineStart(`${SETTLED}${text}\t[`);
    const started = lineStart(`${STARTED}${text}\t[`);
    made = { started, settled, account: undefined, charged: settled };
    starts.set(profile, made);
  }
  return made;
}

function chargedStart(profile: Profile, account: string): LineStart {
  const made = startsFor(profile);
  if (made.account !== account) {
    made.account = account;
    made.charged = lineStart(`${SETTLED}${profile.text}\t[${JSON.stringify(account)}`);
  }
  return made.charged;
}
