/**
 * The lines of the spool: a checksum, a space, JSON. The checksum tells a line that was cut by a crash, or
 * damaged on the disk, from one that was written whole.
 */
import { nanoUsd } from "../kernel/money.js";
import type { Settlement } from "./store.js";

/** A request is about to be sent to a provider. */
export type Started = Pick<
  Settlement,
  "id" | "at" | "userId" | "tokenId" | "model" | "task" | "provider" | "isOwnKey" | "isStream"
>;

export type SpoolRecord =
  | { readonly kind: "started"; readonly started: Started }
  | { readonly kind: "settled"; readonly settlement: Settlement };

export const printStarted = (started: Started): string => line({ started });

export const printSettled = (settlement: Settlement): string =>
  line({
    settled: {
      ...settlement,
      cost: String(settlement.cost),
      overrun: String(settlement.overrun),
      debits: settlement.debits.map((debit) => [debit.account, String(debit.amount)]),
    },
  });

/** Undefined for a line that is not whole. */
export function parseSpoolLine(text: string): SpoolRecord | undefined {
  const json = text.slice(CHECKSUM_CHARS + 1);
  if (text.slice(0, CHECKSUM_CHARS) !== checksum(json)) return undefined;
  const { started, settled } = JSON.parse(json) as Written;
  if (started) return { kind: "started", started };
  if (!settled) return undefined;
  const settlement: Settlement = {
    ...settled,
    cost: nanoUsd(BigInt(settled.cost)),
    overrun: nanoUsd(BigInt(settled.overrun)),
    debits: settled.debits.map(([account, amount]) => ({
      account,
      amount: nanoUsd(BigInt(amount)),
    })),
    firstByteMs: settled.firstByteMs,
  };
  return { kind: "settled", settlement };
}

type Written = {
  readonly started?: Started;
  readonly settled?: Omit<Settlement, "cost" | "overrun" | "debits"> & {
    readonly cost: string;
    readonly overrun: string;
    readonly debits: readonly (readonly [string, string])[];
  };
};

const CHECKSUM_CHARS = 8;

function line(record: object): string {
  const json = JSON.stringify(record);
  return `${checksum(json)} ${json}\n`;
}

const checksum = (json: string): string =>
  Bun.hash.crc32(json).toString(16).padStart(CHECKSUM_CHARS, "0");
