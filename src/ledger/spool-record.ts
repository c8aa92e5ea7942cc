/**
 * The lines of the spool: a checksum, a letter for what it is, a JSON array. The checksum tells a line that was
 * cut by a crash, or damaged on the disk, from one that was written whole. Arrays rather than objects, because
 * every request writes two lines and the drain reads one of them again.
 */
import { nanoUsd } from "../kernel/money.js";
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
>;

const STARTED = "B";
const SETTLED = "S";
const CHECKSUM_CHARS = 8;
const JSON_AT = CHECKSUM_CHARS + 1;

export const printStarted = (s: Started): string => line(STARTED, startedFields(s));

export const printSettled = (s: Settlement): string =>
  line(SETTLED, [
    ...startedFields(s),
    s.status,
    s.outcome,
    s.usage.inputTokens,
    s.usage.cachedInputTokens,
    s.usage.outputTokens,
    s.usage.reasoningTokens,
    s.usage.estimated,
    String(s.cost),
    String(s.overrun),
    s.durationMs,
    s.firstByteMs ?? null,
    s.attempts,
    ...s.debits.flatMap(({ account, amount }) => [account, String(amount)]),
  ]);

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
];

type SettledFields = [
  ...StartedFields,
  status: number,
  outcome: Settlement["outcome"],
  inputTokens: number,
  cachedInputTokens: number,
  outputTokens: number,
  reasoningTokens: number,
  estimated: boolean,
  cost: string,
  overrun: string,
  durationMs: number,
  firstByteMs: number | null,
  attempts: number,
  ...debits: string[],
];

/** What a line says it is, before anyone checks it. */
export const isSettledLine = (text: string): boolean => text.charAt(CHECKSUM_CHARS) === SETTLED;

/** Undefined for a line that is not whole, or no beginning. */
export function parseStarted(text: string): Started | undefined {
  const json = wholeJson(text, STARTED);
  return json === undefined ? undefined : toStarted(JSON.parse(json) as StartedFields);
}

/** Undefined for a line that is not whole, or no settlement. */
export function parseSettled(text: string): Settlement | undefined {
  const json = wholeJson(text, SETTLED);
  if (json === undefined) return undefined;
  const fields = JSON.parse(json) as SettledFields;
  const [, , , , , , , , , , , , status, outcome, ...counted] = fields;
  const [inputTokens, cachedInputTokens, outputTokens, reasoningTokens, estimated, ...rest] =
    counted;
  const [cost, overrun, durationMs, firstByteMs, attempts, ...debits] = rest;
  return {
    ...toStarted(fields),
    status,
    outcome,
    usage: { inputTokens, cachedInputTokens, outputTokens, reasoningTokens, estimated },
    cost: nanoUsd(BigInt(cost)),
    overrun: nanoUsd(BigInt(overrun)),
    durationMs,
    firstByteMs: firstByteMs ?? undefined,
    attempts,
    debits: toDebits(debits),
  };
}

function toStarted(fields: StartedFields | SettledFields): Started {
  const [id, node, at, userId, tokenId, payer, groupId, model, task, provider, ...is] = fields;
  const who = { userId, tokenId, payer, groupId };
  return { id, node, at, ...who, model, task, provider, isOwnKey: is[0], isStream: is[1] };
}

/** Accounts and amounts by turns. */
function toDebits(flat: readonly string[]): Settlement["debits"] {
  const debits = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    debits.push({ account: flat[i] ?? "", amount: nanoUsd(BigInt(flat[i + 1] ?? "0")) });
  }
  return debits;
}

function line(kind: string, fields: readonly unknown[]): string {
  const text = kind + JSON.stringify(fields);
  return `${checksum(text)}${text}\n`;
}

function wholeJson(text: string, kind: string): string | undefined {
  const rest = text.slice(CHECKSUM_CHARS);
  if (!rest.startsWith(kind) || text.slice(0, CHECKSUM_CHARS) !== checksum(rest)) return undefined;
  return text.slice(JSON_AT);
}

const checksum = (text: string): string =>
  Bun.hash.crc32(text).toString(16).padStart(CHECKSUM_CHARS, "0");
