/**
 * The lines of the spool, as `spool-print.ts` writes them: a checksum, a letter for what it is, and parts of JSON with tabs in between, which JSON
 * has none of. The checksum tells a line that was cut by a crash, or damaged on the disk, from one that was written
 * whole. What many requests share stands in parts of its own, so that the drain reads each of these texts once and
 * knows it again. Flat arrays rather than objects, because every request writes two lines.
 */
import { type NanoUsd, nanoUsd, ZERO } from "../kernel/money.js";
import { readOnce } from "../kernel/read-once.js";
import type { Measured, Usage } from "../tasks/usage.js";
import type { AwaitedCost, JobNote } from "./late-cost.js";
import { parseProfile } from "./profile.js";
import type { ReceiptDetails } from "./receipt.js";
import type { Settlement } from "./store.js";

/** A request is about to be sent to a provider. Where no end follows, it is closed as `interrupted`. */
export type Started = Pick<Settlement, "id" | "profile" | "at" | "isStream" | "tags">;

/** The end of a request, as it is written. */
export type Ended = Omit<Settlement, "details"> & {
  readonly details: ReceiptDetails | undefined;
};

/** What a line is. */
export const STARTED = "B";
export const SETTLED = "S";
export const AWAITED = "A";
const CHECKSUM_CHARS = 8;
const TAB = "\t";
const PARTS_AT = CHECKSUM_CHARS + 1;
/** By character code, what a lower-case hex digit stands for. */
const HEX: readonly number[] = Array.from({ length: 128 }, (_, code) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(code));
  return digit < 0 ? Number.NaN : digit;
});

type Beginning = [id: string, at: number, isStream: boolean, tags: readonly string[]];

/** A number, or where a double would not hold it, digits. */
type Printed = number | string;

type UsageFields = [
  inputTokens: number,
  cachedInputTokens: number,
  cacheWriteTokens: number,
  outputTokens: number,
  reasoningTokens: number,
  estimated: boolean,
  measured: Measured | null,
];

/** One list, without lists in between. */
type SettledFields = [
  ...Beginning,
  status: number,
  outcome: Settlement["outcome"],
  durationMs: number,
  firstByteMs: number | null,
  attempts: number,
  ...UsageFields,
  cost: Printed,
  overrun: Printed,
  counted: Printed | null,
  /** One for each of the accounts. */
  ...amounts: Printed[],
];

/** What the line that begins at `at` says it is, before anyone checks it. */
export const isSettledLine = (bytes: Uint8Array, at: number): boolean =>
  bytes[at + CHECKSUM_CHARS] === SETTLED.charCodeAt(0);
export const isAwaitedLine = (bytes: Uint8Array, at: number): boolean =>
  bytes[at + CHECKSUM_CHARS] === AWAITED.charCodeAt(0);

/** Undefined for a line that is not whole, or no beginning. */
export function parseStarted(line: Buffer): Started | undefined {
  if (!isWhole(line, STARTED)) return undefined;
  const text = line.toString("utf8", PARTS_AT);
  const profileEnd = text.indexOf(TAB);
  const [id, at, isStream, tags] = JSON.parse(text.slice(profileEnd + 1)) as Beginning;
  return { id, profile: sharedProfile(text.slice(0, profileEnd)), at, isStream, tags };
}

/** Undefined for a line that is not whole, or no settlement. */
export function parseSettled(line: Buffer): Settlement | undefined {
  if (!isWhole(line, SETTLED)) return undefined;
  // Made a text once: its parts are then had without copying.
  const text = line.toString("utf8", PARTS_AT);
  const profileEnd = text.indexOf(TAB);
  const accountsEnd = text.indexOf(TAB, profileEnd + 1);
  const fieldsEnd = text.indexOf(TAB, accountsEnd + 1);
  const fields = JSON.parse(text.slice(accountsEnd + 1, fieldsEnd)) as SettledFields;
  const counted = fields[18];
  const cost = amountOf(fields[16]);
  return {
    id: fields[0],
    profile: sharedProfile(text.slice(0, profileEnd)),
    at: fields[1],
    isStream: fields[2],
    tags: fields[3],
    status: fields[4],
    outcome: fields[5],
    durationMs: fields[6],
    firstByteMs: fields[7] ?? undefined,
    attempts: fields[8],
    usage: usageOf(fields),
    cost,
    overrun: amountOf(fields[17]),
    counted: counted === null ? undefined : sameOr(counted, fields[16], cost),
    debits: debitsOf(sharedAccounts(text.slice(profileEnd + 1, accountsEnd)), fields, cost),
    details: fieldsEnd + 1 < text.length ? text.slice(fieldsEnd + 1) : undefined,
  };
}

function usageOf(fields: SettledFields): Usage {
  const usage = {
    inputTokens: fields[9],
    cachedInputTokens: fields[10],
    cacheWriteTokens: fields[11],
    outputTokens: fields[12],
    reasoningTokens: fields[13],
    estimated: fields[14],
  };
  const measured = fields[15];
  return measured ? { ...usage, measured } : usage;
}

const AMOUNTS_AT = 19;

function debitsOf(
  accounts: readonly string[],
  fields: SettledFields,
  cost: NanoUsd,
): Settlement["debits"] {
  const debits = [];
  for (let i = 0; i < accounts.length; i++) {
    const amount = sameOr(fields[AMOUNTS_AT + i] as Printed, fields[16], cost);
    debits.push({ account: accounts[i] ?? "", amount });
  }
  return debits;
}

const amountOf = (printed: Printed): NanoUsd => (printed === 0 ? ZERO : nanoUsd(BigInt(printed)));

/** Nearly all amounts of a settlement are its cost, and a bigint more is garbage more. */
const sameOr = (printed: Printed, printedCost: Printed, cost: NanoUsd): NanoUsd =>
  printed === printedCost ? cost : amountOf(printed);

/** Undefined for a line that is not whole, or no such note. */
export function parseAwaited(line: Buffer): AwaitedCost | undefined {
  if (!isWhole(line, AWAITED)) return undefined;
  const [array = "", job] = line.toString("utf8", PARTS_AT).split("\t");
  const fields = JSON.parse(array) as [string, string, string, number, ...string[]];
  const [requestId, provider, providerRequestId, at, ...bucketIds] = fields;
  const awaited = { requestId, provider, providerRequestId, at, bucketIds };
  return job === undefined ? awaited : { ...awaited, job: JSON.parse(job) as JobNote };
}

const sharedProfile = readOnce(parseProfile);
const sharedAccounts = readOnce((text) => JSON.parse(text) as readonly string[]);

function isWhole(line: Buffer, kind: string): boolean {
  if (line[CHECKSUM_CHARS] !== kind.charCodeAt(0)) return false;
  return checksumOf(line) === Bun.hash.crc32(line.subarray(CHECKSUM_CHARS));
}

/** Hex digits; not a number where anything else stands there. */
function checksumOf(line: Buffer): number {
  let checksum = 0;
  for (let i = 0; i < CHECKSUM_CHARS; i++)
    checksum = checksum * 16 + (HEX[line[i] ?? 0] ?? Number.NaN);
  return checksum;
}
