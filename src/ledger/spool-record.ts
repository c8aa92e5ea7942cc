/**
 * The lines of the spool: a checksum, a letter for what it is, and parts of JSON with tabs in between, which JSON
 * has none of. The checksum tells a line that was cut by a crash, or damaged on the disk, from one that was written
 * whole. What many requests share stands in parts of its own, so that the drain reads each of these texts once and
 * knows it again. Flat arrays rather than objects, because every request writes two lines.
 */
import { SHARED_TEXTS_MAX } from "../kernel/limits.js";
import { nanoUsd } from "../kernel/money.js";
import type { Measured } from "../tasks/usage.js";
import type { AwaitedCost, JobNote } from "./late-cost.js";
import { parseProfile } from "./profile.js";
import type { Settlement } from "./store.js";

/** A request is about to be sent to a provider. */
export type Started = Pick<Settlement, "id" | "profile" | "at" | "isStream" | "tags">;

const STARTED = "B";
const SETTLED = "S";
const AWAITED = "A";
const CHECKSUM_CHARS = 8;
const TAB = 9;
const PARTS_AT = CHECKSUM_CHARS + 1;

/** A request has begun. Where no end follows, it is closed as `interrupted`. */
export const printStarted = ({ profile, id, at, isStream, tags }: Started): string =>
  printLine(`${STARTED}${profile.text}\t${JSON.stringify([id, at, isStream, tags])}`);

/** The fields are written into one list, without lists in between: every request writes this line. */
export function printSettled(s: Settlement): string {
  const { usage, counted, debits } = s;
  const fields: SettledFields = [
    s.id,
    s.at,
    s.isStream,
    s.tags,
    s.status,
    s.outcome,
    s.durationMs,
    s.firstByteMs ?? null,
    s.attempts,
    usage.inputTokens,
    usage.cachedInputTokens,
    usage.cacheWriteTokens,
    usage.outputTokens,
    usage.reasoningTokens,
    usage.estimated,
    usage.measured ?? null,
    printed(s.cost),
    printed(s.overrun),
    counted === undefined ? null : printed(counted),
  ];
  const accounts: string[] = [];
  for (const { account, amount } of debits) {
    accounts.push(account);
    fields.push(printed(amount));
  }
  // What only receipts tell comes last and as it is, so that a drain need not parse it.
  return printLine(
    `${SETTLED}${s.profile.text}\t${JSON.stringify(accounts)}\t${JSON.stringify(fields)}\t${s.details ?? ""}`,
  );
}

/** Only for providers that say later what a request cost. */
export const printAwaited = (a: AwaitedCost): string =>
  printLine(
    AWAITED +
      JSON.stringify([a.requestId, a.provider, a.providerRequestId, a.at, ...a.bucketIds]) +
      (a.job ? `\t${JSON.stringify(a.job)}` : ""),
  );

type Beginning = [id: string, at: number, isStream: boolean, tags: readonly string[]];

/** A number, or where a double would not hold it, digits. */
type Printed = number | string;

const printed = (amount: bigint): Printed =>
  amount <= Number.MAX_SAFE_INTEGER ? Number(amount) : String(amount);

type UsageFields = [
  inputTokens: number,
  cachedInputTokens: number,
  cacheWriteTokens: number,
  outputTokens: number,
  reasoningTokens: number,
  estimated: boolean,
  measured: Measured | null,
];

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
  const profileEnd = line.indexOf(TAB);
  const [id, at, isStream, tags] = JSON.parse(line.toString("utf8", profileEnd + 1)) as Beginning;
  return { id, profile: sharedProfile(line, PARTS_AT, profileEnd), at, isStream, tags };
}

/** Undefined for a line that is not whole, or no settlement. */
export function parseSettled(line: Buffer): Settlement | undefined {
  if (!isWhole(line, SETTLED)) return undefined;
  const profileEnd = line.indexOf(TAB);
  const accountsEnd = line.indexOf(TAB, profileEnd + 1);
  const fieldsEnd = line.indexOf(TAB, accountsEnd + 1);
  const fields = JSON.parse(line.toString("utf8", accountsEnd + 1, fieldsEnd)) as SettledFields;
  const measured = fields[15];
  const counted = fields[18];
  return {
    id: fields[0],
    profile: sharedProfile(line, PARTS_AT, profileEnd),
    at: fields[1],
    isStream: fields[2],
    tags: fields[3],
    status: fields[4],
    outcome: fields[5],
    durationMs: fields[6],
    firstByteMs: fields[7] ?? undefined,
    attempts: fields[8],
    usage: {
      inputTokens: fields[9],
      cachedInputTokens: fields[10],
      cacheWriteTokens: fields[11],
      outputTokens: fields[12],
      reasoningTokens: fields[13],
      estimated: fields[14],
      ...(measured && { measured }),
    },
    cost: nanoUsd(BigInt(fields[16])),
    overrun: nanoUsd(BigInt(fields[17])),
    counted: counted === null ? undefined : nanoUsd(BigInt(counted)),
    debits: debitsOf(sharedAccounts(line, profileEnd + 1, accountsEnd), fields),
    details: fieldsEnd + 1 < line.length ? line.toString("utf8", fieldsEnd + 1) : undefined,
  };
}

const AMOUNTS_AT = 19;

function debitsOf(accounts: readonly string[], fields: SettledFields): Settlement["debits"] {
  const debits = [];
  for (let i = 0; i < accounts.length; i++) {
    const amount = BigInt(fields[AMOUNTS_AT + i] as Printed);
    debits.push({ account: accounts[i] ?? "", amount: nanoUsd(amount) });
  }
  return debits;
}

/** Undefined for a line that is not whole, or no such note. */
export function parseAwaited(line: Buffer): AwaitedCost | undefined {
  if (!isWhole(line, AWAITED)) return undefined;
  const [array = "", job] = line.toString("utf8", PARTS_AT).split("\t");
  const fields = JSON.parse(array) as [string, string, string, number, ...string[]];
  const [requestId, provider, providerRequestId, at, ...bucketIds] = fields;
  const awaited = { requestId, provider, providerRequestId, at, bucketIds };
  return job === undefined ? awaited : { ...awaited, job: JSON.parse(job) as JobNote };
}

/** Reads each text once, as long as there are not too many of them. */
function shared<Value>(parse: (text: string) => Value) {
  const known = new Map<string, Value>();
  return (line: Buffer, from: number, to: number): Value => {
    // Known by its bytes, which are had for less than its characters.
    const bytes = line.toString("latin1", from, to);
    const there = known.get(bytes);
    if (there !== undefined) return there;
    if (known.size >= SHARED_TEXTS_MAX) known.clear();
    const value = parse(line.toString("utf8", from, to));
    known.set(bytes, value);
    return value;
  };
}

const sharedProfile = shared(parseProfile);
const sharedAccounts = shared((text) => JSON.parse(text) as readonly string[]);

const printLine = (text: string): string =>
  `${Bun.hash.crc32(text).toString(16).padStart(CHECKSUM_CHARS, "0")}${text}\n`;

function isWhole(line: Buffer, kind: string): boolean {
  if (line[CHECKSUM_CHARS] !== kind.charCodeAt(0)) return false;
  const checksum = line.toString("latin1", 0, CHECKSUM_CHARS);
  const found = Bun.hash.crc32(line.subarray(CHECKSUM_CHARS));
  return checksum === found.toString(16).padStart(CHECKSUM_CHARS, "0");
}
