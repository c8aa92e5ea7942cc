/** Validates mappings when they are due: one process at a time, a few mappings at once. */
import { mappingKey } from "../catalog/mapping-key.js";
import type { Mapping } from "../catalog/model.js";
import {
  type Finding,
  isDue,
  nextLookAt,
  recorded,
  subjectOf,
  type Validation,
  type ValidationStore,
} from "../catalog/validation.js";
import type { Clock } from "../kernel/clock.js";
import { VALIDATIONS_AT_ONCE } from "../kernel/limits.js";
import { type Log, reasonOf } from "../kernel/log.js";

const JOB = "validation";
/** A process that stopped in the middle of its turn loses it after this long: longer than one mapping takes. */
const TURN_MS = 600_000;

type Parts = {
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
  readonly failingEveryMs: number;
  readonly store: ValidationStore;
  readonly takeTurn: (turn: {
    readonly job: string;
    readonly node: string;
    readonly now: number;
    readonly until: number;
  }) => Promise<boolean>;
  /** All that are to be validated, as they were written. */
  readonly mappings: () => readonly Mapping[];
  /** What this process has heard of them. */
  readonly heard: (mapping: Mapping) => Validation | undefined;
  /** Has this process know at once what the others hear of. */
  readonly tell: (validation: Validation) => void;
  readonly validate: (mapping: Mapping) => Promise<Finding>;
  /** From 0 up to 1. */
  readonly roll: () => number;
  /** Aborts when this process ends. */
  readonly stopping: AbortSignal;
};

/** One round; nothing where another process has the turn. What is due is found in memory, and then in the store. */
export async function validateDue(parts: Parts): Promise<void> {
  const { clock, store } = parts;
  const mappings = parts.mappings();
  const isAnyDue = mappings.some((each) => isDue(each, parts.heard(each), clock.now()));
  if (!isAnyDue || !(await takeTurn(parts))) return;
  const known = new Map((await store.loadAll()).map((each) => [mappingKey(each), each]));
  const now = clock.now();
  const waiting = mappings.filter((each) => isDue(each, known.get(mappingKey(each)), now));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      if (parts.stopping.aborted || !(await takeTurn(parts))) return;
      await validateOne(parts, next, known.get(mappingKey(next)));
    }
  };
  await Promise.all(Array.from({ length: VALIDATIONS_AT_ONCE }, work));
}

function takeTurn({ takeTurn, node, clock }: Parts): Promise<boolean> {
  const now = clock.now();
  return takeTurn({ job: JOB, node, now, until: now + TURN_MS });
}

async function validateOne(
  parts: Parts,
  mapping: Mapping,
  known: Validation | undefined,
): Promise<void> {
  const { clock, log, store } = parts;
  const { provider, modelId, task } = mapping;
  const found = await parts.validate(mapping).catch((thrown) => {
    // One that cannot be looked at must not keep the others waiting for ever.
    log("error", "validation_broke", { provider, model: modelId, reason: reasonOf(thrown) });
    return NOTHING_FOUND;
  });
  // What this process broke off itself says nothing.
  if (parts.stopping.aborted) return;
  const subject = subjectOf(mapping);
  const now = clock.now();
  const nextAt = nextLookAt(found.verdict, parts, now, parts.roll());
  const kept = recorded(found, known, subject);
  const validation = { ...kept, provider, modelId, task, subject, checkedAt: now, nextAt };
  await store.note(validation);
  parts.tell(validation);
  if (found.verdict === "failed") {
    const why = found.checks.find(({ verdict }) => verdict === "failed");
    log("warn", "mapping_failed", { provider, model: modelId, check: why?.name ?? "" });
  }
}

const NOTHING_FOUND: Finding = {
  verdict: "unknown",
  firstTokenMs: undefined,
  throughput: undefined,
  tools: undefined,
  structuredOutput: undefined,
  checks: [],
};
