import { parseArgs } from "node:util";
import { VARIANT_NAMES, type VariantName } from "./variants/variant.js";

const MEASUREMENTS = ["throughput", "latency", "streams"] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

const SUBJECTS = ["gateway", "ledger", "draining", "routing", "embedded", "tasks"] as const;

export type Options = {
  readonly subject: (typeof SUBJECTS)[number];
  readonly rounds: number;
  readonly measurements: readonly Measurement[];
  readonly variants: readonly VariantName[];
  readonly isQuick: boolean;
  readonly isWritten: boolean;
};

export const USAGE = `npm run bench -- [gateway | ledger | draining | routing | embedded | tasks] [options]
  --rounds N        rounds; each runs every variant once per measurement (5; quick: 1)
  --only LIST       of ${MEASUREMENTS.join(",")} (gateway)
  --variants LIST   of ${VARIANT_NAMES.join(",")} (gateway)
  --quick           short loads: to see that it works, not for figures
  --write           append the result to bench/RESULTS.md`;

const roundsMax = 100;

/** Throws Error with the usage on anything it does not know. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    args: [...args],
    options: {
      rounds: { type: "string" },
      only: { type: "string" },
      variants: { type: "string" },
      quick: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > roundsMax) {
    throw new Error(`--rounds is a whole number from 1 to ${roundsMax}`);
  }
  const [subject = "gateway", ...more] = positionals;
  if (more.length > 0) throw new Error(`"${more[0]}" is one word too many`);
  const [known] = pick("the subject", subject, SUBJECTS);
  return {
    subject: known ?? "gateway",
    rounds,
    measurements: pick("--only", values.only, MEASUREMENTS),
    variants: pick("--variants", values.variants, VARIANT_NAMES),
    isQuick: values.quick,
    isWritten: values.write,
  };
}

/** In the order of `all`, whatever the order of the list. */
function pick<T extends string>(
  flag: string,
  list: string | undefined,
  all: readonly T[],
): readonly T[] {
  if (list === undefined) return all;
  const wanted = list.split(",");
  const stranger = wanted.find((name) => !all.some((known) => known === name));
  if (stranger !== undefined)
    throw new Error(`${flag}: "${stranger}" is not one of ${all.join(", ")}`);
  return all.filter((name) => wanted.includes(name));
}
