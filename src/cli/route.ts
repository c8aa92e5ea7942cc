import { findModel } from "../catalog/find.js";
import { modelWish, type RoutedModel } from "../gateway/route/model-wish.js";
import { printRoute, reportRoute } from "../gateway/route/route-report.js";
import { formatUsd } from "../kernel/money.js";
import { CALENDAR } from "../kernel/period.js";
import { POLICIES } from "../routing/policy.js";
import { TASKS } from "../tasks/index.js";
import type { User } from "../tenants/user.js";
import { splitModel } from "../wire/chat-request.js";
import { NO_CONTROLS } from "../wire/route-controls.js";
import { chooserOf } from "./chooser.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, requireUser, withLocal } from "./local.js";
import { show, table } from "./output.js";
import { readOneOf } from "./read.js";

type Options = CommonOptions & {
  readonly task?: string;
  readonly policy?: string;
  readonly user?: string;
  readonly explain: boolean;
};

export const route = command("route", "who would serve a model, in which order and why")
  .argument("<model>", "its id, perhaps with a suffix like :cheapest")
  .option("--task <task>", "which of its tasks, where it has several")
  .option("--policy <policy>", `one of ${POLICIES.join(", ")}, in the place of a suffix`)
  .option("--user <name>", "with the keys and the provider order of this user")
  .option("--explain", "the evidence as well, and what stands against the others", false)
  .action((model: string, options: Options) =>
    withLocal(options, (local) => showRoute(local, model, options)),
  );

async function showRoute(local: Local, id: string, options: Options): Promise<void> {
  const now = Date.now();
  const preset =
    options.policy === undefined ? undefined : readOneOf("--policy", options.policy, POLICIES);
  const chooser = await chooserOf(local, now);
  const defaultPolicy = preset === undefined ? chooser.defaultPolicy : { kind: preset };
  const user = options.user === undefined ? ANYBODY : await requireUser(local, options.user);
  const { model, suffix } = splitModel(id);
  const task =
    options.task === undefined
      ? findModel(chooser.catalog, model).task
      : readOneOf("--task", options.task, TASKS);
  const call: RoutedModel = {
    ...{ at: now, startedAt: now, headerKey: undefined },
    caller: {
      ...{ user, payer: user, keyOwner: user.id },
      disabledProviders: user.disabledProviders,
    },
    request: {
      ...{ model, isStream: false, controls: NO_CONTROLS, task, assumed: { measured: {} } },
      suffix: preset === undefined ? suffix : undefined,
    },
  };
  const found = printRoute(reportRoute({ ...chooser, defaultPolicy }, call, modelWish));
  show(options, found, () => forPeople(found, options));
}

/** A user without keys or wishes of their own. */
const ANYBODY: User = {
  ...{ kind: "user", id: "", name: "anybody", plan: "", seats: 0, role: "user" },
  ...{ spendingLimit: undefined, anchor: CALENDAR, providerOrder: [], disabledProviders: [] },
  ...{ createdAt: 0, disabledAt: undefined },
};

type Found = ReturnType<typeof printRoute>;

function forPeople(found: Found, { explain }: Options): string {
  const parts = [`${found.model}, ${found.task}, ${found.policy}`, orderTable(found)];
  if (explain && found.candidates.length > 0) parts.push(evidenceTable(found));
  if (explain && found.excluded.length > 0) {
    const rows = found.excluded.map(({ provider, why }) => [provider, why]);
    parts.push(table(["not asked", "because"], rows));
  }
  if (found.error) parts.push(found.error.message);
  if (explain) parts.push(ABOUT_REST);
  return parts.join("\n\n");
}

const ABOUT_REST =
  "Who rests at the moment is known to the running server alone: ask it at POST /api/turnpike/route.";

const orderTable = ({ candidates }: Found): string =>
  table(
    ["", "provider", "score", "", "a call", "why"],
    candidates.map((each, place) => [
      String(place + 1),
      each.provider,
      each.score === null ? "" : String(each.score),
      each.score_unit ?? "",
      `$${formatUsd(BigInt(each.expected_cost_nano_usd))}`,
      each.reasons.join("; "),
    ]),
  );

const evidenceTable = ({ candidates }: Found): string =>
  table(
    [
      "provider",
      "tokens/s",
      "first byte ms",
      "p50",
      "p95",
      "whole ms",
      "errors",
      "429",
      "answers",
      "last seen",
      "keeps prompts",
    ],
    candidates.map(({ provider, evidence, retains_prompts: retains }) => [
      provider,
      ...[evidence.throughput, evidence.first_byte_ms].map(cell),
      ...[evidence.first_byte_p50_ms, evidence.first_byte_p95_ms, evidence.total_ms].map(cell),
      percent(evidence.error_rate),
      percent(evidence.rate_limited_rate),
      cell(evidence.answers),
      evidence.last_seen_at ?? "never",
      retains === null ? "not known" : retains ? "yes" : "no",
    ]),
  );

const cell = (value: number | null): string => (value === null ? "" : String(value));
const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
