/** What a call of a model costs at each of its providers, where no more is known than what the call is about. */
import { mappingsOf } from "../../catalog/find.js";
import type { Mapping, Model } from "../../catalog/model.js";
import { balanceFor } from "../../gateway/money/funds.js";
import { disablement } from "../../gateway/route/eligible.js";
import { countTokens } from "../../gateway/tokenizer.js";
import { badRequest } from "../../kernel/errors.js";
import { type NanoUsd, nanoUsd } from "../../kernel/money.js";
import { textIn, videoMsIn } from "../../metering/asked.js";
import { callsFor, type Forecast, forecast, printForecast } from "../../metering/forecast.js";
import type { Assumed } from "../../metering/typical.js";
import type { Task } from "../../tasks/index.js";
import { NANOSECONDS_PER_MS } from "../../tasks/usage.js";
import type { Caller } from "../../tenants/caller.js";
import { type EstimateQuery, parseEstimateQuery } from "../../wire/estimate-query.js";
import { findVisible } from "../hub/visible.js";
import type { Site, Visit } from "../parts.js";

export const CHAT_ROUTE = "/v1/chat/completions";

/** What the routes of one task each are for; `/models/…` is for any. */
const TASK_OF: Readonly<Record<string, Task>> = {
  [CHAT_ROUTE]: "conversational",
  "/v1/completions": "text-generation",
  "/v1/embeddings": "feature-extraction",
  "/v1/rerank": "text-ranking",
  "/v1/images/generations": "text-to-image",
  "/v1/images/edits": "image-to-image",
  "/v1/audio/transcriptions": "automatic-speech-recognition",
  "/v1/audio/speech": "text-to-speech",
};
const ANY_TASK = "/models/";

export async function estimateModel(site: Site, visit: Visit, caller: Caller, body: Body) {
  const { route, ...asked } = withModelOf(body);
  const query = parseEstimateQuery(asked);
  const model = findVisible(site, caller, query.model);
  requireTask(model, taskOf(route) ?? query.task);
  const mappings = mappingsOf(model, query.suffix);
  const costs = await site.books.callCosts.ofModel(model.id, visit.at);
  const balance = await balanceOf(site, caller);
  const assumed = await assumedFor(query);
  const rows = mappings.map((mapping) => {
    const isOwnKey = hasOwnKey(site, caller, mapping);
    const classes = costs.get(mapping.provider) ?? [];
    const found = forecast(mapping, assumed, { classes, isFree: isOwnKey || mapping.isFree });
    return { found, isOwnKey, why: obstacle(site, caller, found, isOwnKey) };
  });
  rows.sort((a, b) => Number(a.why !== undefined) - Number(b.why !== undefined) || byCost(a, b));
  return {
    model: model.id,
    task: model.task,
    balance_nano_usd: String(balance),
    providers: rows.map(({ found, isOwnKey, why }) => ({
      ...printForecast(found),
      own_key: isOwnKey,
      ready: why === undefined,
      ...(why !== undefined && { why_not: why }),
      calls_left: found.fault === undefined ? callsFor(balance, found.expected) : null,
    })),
  };
}

const byCost = (a: { found: Forecast }, b: { found: Forecast }): number =>
  a.found.expected < b.found.expected ? -1 : Number(a.found.expected > b.found.expected);

/** What the caller can spend, as far as the store has heard. */
export async function balanceOf({ gateway }: Site, caller: Caller): Promise<NanoUsd> {
  for (const id of caller.bucketIds) await gateway.keeper.refresh(id);
  return nanoUsd(balanceFor(gateway, caller));
}

type Body = Readonly<Record<string, unknown>>;

/** A route like `/models/org/name` names the model. */
export function withModelOf(body: Body): Body {
  const { route } = body;
  if (typeof route !== "string" || !route.startsWith(ANY_TASK) || body.model !== undefined) {
    return body;
  }
  return { ...body, model: route.slice(ANY_TASK.length) };
}

export function taskOf(route: unknown): Task | undefined {
  if (route === undefined || (typeof route === "string" && route.startsWith(ANY_TASK))) {
    return undefined;
  }
  const task = typeof route === "string" ? TASK_OF[route] : undefined;
  if (task) return task;
  const known = [...Object.keys(TASK_OF), `${ANY_TASK}…`].join(", ");
  throw badRequest(`"route" must be one of ${known}.`, "route");
}

function requireTask({ id, task }: Model, wanted: Task | undefined): void {
  if (wanted === undefined || wanted === task) return;
  throw badRequest(`${id} is for ${task}, not for ${wanted}.`, "task");
}

/** What is said, with text that is there counted. */
export async function assumedFor(query: EstimateQuery): Promise<Assumed> {
  const { input, parameters, inputTokens, outputTokens, measured } = query;
  const text = input === undefined ? "" : textIn(input);
  const tokens = inputTokens ?? (text === "" ? undefined : await countTokens(text));
  const videoMs = videoMsIn(parameters);
  return {
    ...(tokens !== undefined && { inputTokens: tokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    measured: {
      ...(text !== "" && { characters: [...text].length }),
      ...(videoMs !== undefined && { videoNanoseconds: Math.ceil(videoMs * NANOSECONDS_PER_MS) }),
      ...measured,
    },
  };
}

const hasOwnKey = ({ gateway }: Site, { keyOwner }: Caller, { provider }: Mapping): boolean =>
  gateway.directory.providerKey(keyOwner, provider) !== undefined;

/** Why the caller cannot call a mapping now, in a few words; undefined when they can. */
function obstacle(
  { gateway }: Site,
  caller: Caller,
  { mapping, fault }: Forecast,
  isOwnKey: boolean,
): string | undefined {
  const configured = gateway.providers.get(mapping.provider);
  if (!configured) return "unknown provider";
  const disabled = disablement(caller, mapping.provider);
  if (disabled !== undefined) return disabled;
  if (mapping.status !== "live") return `status ${mapping.status}`;
  if (isOwnKey) return undefined;
  if (configured.key === undefined && configured.provider.needsKey) return "needs a key";
  return fault;
}
