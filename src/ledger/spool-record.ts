/**
 * The lines of the spool: a checksum, a letter for what it is, a JSON array. The checksum tells a line that was
 * cut by a crash, or damaged on the disk, from one that was written whole. Flat arrays rather than objects, because
 * every request writes two lines and the drain reads one of them again.
 */
import { nanoUsd } from "../kernel/money.js";
import type { Measured, Usage } from "../tasks/usage.js";
import type { AwaitedCost, JobNote } from "./late-cost.js";
import type { Settlement } from "./store.js";

/** A request is about to be sent to a provider. */
export type Started = Pick<
  Settlement,
  | "id"
  | "node"
  | "at"
  | "userId"
  | "tokenId"
  | "payer"
  | "groupId"
  | "model"
  | "task"
  | "provider"
  | "isOwnKey"
  | "isStream"
  | "tags"
>;

const STARTED = "B";
const SETTLED = "S";
const AWAITED = "A";
/** JSON has none of it: what only receipts tell follows as it is, so that a drain need not parse it. */
const DETAILS_AFTER = "\t";
const CHECKSUM_CHARS = 8;
const JSON_AT = CHECKSUM_CHARS + 1;

export const printStarted = (s: Started): string => line(STARTED, startedFields(s));

export const printSettled = (s: Settlement): string =>
  line(
    SETTLED,
    [
      ...startedFields(s),
      ...[s.status, s.outcome, s.durationMs, s.firstByteMs ?? null, s.attempts],
      ...usageFields(s.usage),
      ...[String(s.cost), String(s.overrun), s.counted === undefined ? null : String(s.counted)],
      ...s.debits.flatMap(({ account, amount }) => [account, String(amount)]),
    ],
    s.details,
  );

/** Only for providers that say later what a request cost. */
export const printAwaited = (a: AwaitedCost): string =>
  line(
    AWAITED,
    [a.requestId, a.provider, a.providerRequestId, a.at, ...a.bucketIds],
    a.job && JSON.stringify(a.job),
  );

const startedFields = (s: Started): StartedFields => [
  s.id,
  s.node,
  s.at,
  s.userId,
  s.tokenId,
  s.payer,
  s.groupId,
  s.model,
  s.task,
  s.provider,
  s.isOwnKey,
  s.isStream,
  s.tags,
];

type StartedFields = [
  id: string,
  node: string,
  at: number,
  userId: string,
  tokenId: string,
  payer: string,
  groupId: string,
  model: string,
  task: string,
  provider: string,
  isOwnKey: boolean,
  isStream: boolean,
  tags: readonly string[],
];

type UsageFields = [
  inputTokens: number,
  cachedInputTokens: number,
  cacheWriteTokens: number,
  outputTokens: number,
  reasoningTokens: number,
  estimated: boolean,
  measured: Measured | null,
];

const usageFields = (usage: Usage): UsageFields => [
  usage.inputTokens,
  usage.cachedInputTokens,
  usage.cacheWriteTokens,
  usage.outputTokens,
  usage.reasoningTokens,
  usage.estimated,
  usage.measured ?? null,
];

type SettledFields = [
  ...StartedFields,
  status: number,
  outcome: Settlement["outcome"],
  durationMs: number,
  firstByteMs: number | null,
  attempts: number,
  ...UsageFields,
  cost: string,
  overrun: string,
  counted: string | null,
  /** Accounts and amounts by turns. */
  ...debits: string[],
];

/** What the line that begins at `at` says it is, before anyone checks it. */
export const isSettledLine = (bytes: Uint8Array, at: number): boolean =>
  bytes[at + CHECKSUM_CHARS] === SETTLED.charCodeAt(0);
export const isAwaitedLine = (bytes: Uint8Array, at: number): boolean =>
  bytes[at + CHECKSUM_CHARS] === AWAITED.charCodeAt(0);

/** Undefined for a line that is not whole, or no beginning. */
export function parseStarted(text: string): Started | undefined {
  const json = wholeJson(text, STARTED);
  return json === undefined ? undefined : toStarted(JSON.parse(json) as StartedFields);
}

/** Undefined for a line that is not whole, or no settlement. */
export function parseSettled(text: string): Settlement | undefined {
  const json = wholeJson(text, SETTLED);
  if (json === undefined) return undefined;
  const end = json.indexOf(DETAILS_AFTER);
  const fields = JSON.parse(end < 0 ? json : json.slice(0, end)) as SettledFields;
  const [
    id,
    node,
    at,
    userId,
    tokenId,
    payer,
    groupId,
    model,
    task,
    provider,
    isOwnKey,
    isStream,
    tags,
    status,
    outcome,
    durationMs,
    firstByteMs,
    attempts,
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens,
    reasoningTokens,
    estimated,
    measured,
    cost,
    overrun,
    counted,
    ...debits
  ] = fields;
  const tokens = {
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens,
    reasoningTokens,
    estimated,
  };
  return {
    id,
    node,
    at,
    userId,
    tokenId,
    payer,
    groupId,
    model,
    task,
    provider,
    isOwnKey,
    isStream,
    tags,
    status,
    outcome,
    usage: measured ? { ...tokens, measured } : tokens,
    cost: nanoUsd(BigInt(cost)),
    counted: counted === null ? undefined : nanoUsd(BigInt(counted)),
    overrun: nanoUsd(BigInt(overrun)),
    durationMs,
    firstByteMs: firstByteMs ?? undefined,
    attempts,
    debits: toDebits(debits),
    details: end < 0 ? undefined : json.slice(end + 1),
  };
}

/** Undefined for a line that is not whole, or no such note. */
export function parseAwaited(text: string): AwaitedCost | undefined {
  const json = wholeJson(text, AWAITED);
  if (json === undefined) return undefined;
  const [array = "", note] = json.split(DETAILS_AFTER);
  const fields = JSON.parse(array) as [string, string, string, number, ...string[]];
  const [requestId, provider, providerRequestId, at, ...bucketIds] = fields;
  const awaited = { requestId, provider, providerRequestId, at, bucketIds };
  return note === undefined ? awaited : { ...awaited, job: JSON.parse(note) as JobNote };
}

function toStarted(fields: StartedFields): Started {
  const [id, node, at, userId, tokenId, payer, groupId, model, task, provider, ...is] = fields;
  const who = { userId, tokenId, payer, groupId };
  const [isOwnKey, isStream, tags] = is;
  return { id, node, at, ...who, model, task, provider, isOwnKey, isStream, tags };
}

function toDebits(flat: readonly string[]): Settlement["debits"] {
  const debits = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    debits.push({ account: flat[i] ?? "", amount: nanoUsd(BigInt(flat[i + 1] ?? "0")) });
  }
  return debits;
}

function line(kind: string, fields: readonly unknown[], details?: string): string {
  const array = kind + JSON.stringify(fields);
  const text = details === undefined ? array : array + DETAILS_AFTER + details;
  return `${checksum(text)}${text}\n`;
}

function wholeJson(text: string, kind: string): string | undefined {
  const rest = text.slice(CHECKSUM_CHARS);
  if (!rest.startsWith(kind) || text.slice(0, CHECKSUM_CHARS) !== checksum(rest)) return undefined;
  return text.slice(JSON_AT);
}

const checksum = (text: string): string =>
  Bun.hash.crc32(text).toString(16).padStart(CHECKSUM_CHARS, "0");
