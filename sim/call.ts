import type { Usage } from "./chat/answer.js";
import type { Dials } from "./dials.js";
import type { ErrorKind, Failure } from "./failure.js";
import type { Ids } from "./ids.js";
import type { Json } from "./json.js";
import type { Outcome } from "./log.js";
import { costOf } from "./money.js";
import type { ProviderFacts } from "./provider-facts.js";
import { secondsFor } from "./seconds.js";
import type { State } from "./state.js";
import { costOfUnits } from "./units.js";

/** What stands in a path where its route has a name. */
export type PathParams = { readonly [name: string]: string };

/** One request to one provider, with everything that was settled about it on arrival. */
export type Call = {
  readonly state: State;
  readonly provider: ProviderFacts;
  readonly request: Request;
  readonly path: string;
  readonly params: PathParams;
  /** By the name the Hub uses; empty where the route belongs to none. */
  readonly task: string;
  readonly number: number;
  readonly ids: Ids;
  readonly requestId: string;
  readonly dials: Dials;
  readonly key: string | undefined;
};

export type Ending = {
  readonly model: string;
  readonly stream: boolean;
  readonly status: number;
  readonly usage: Usage;
  readonly generated: number;
  readonly delivered: number;
  readonly outcome: Outcome;
};

/** For requests that ended before a token was made. */
export const NO_USAGE: Usage = { prompt: 0, cached: 0, completion: 0, reasoning: 0 };

/**
 * Writes the request into the delivery log. Nothing is owed for an answer of which nothing was
 * delivered; as soon as something was, the whole prompt is owed and the tokens that went out.
 */
export function record(call: Call, ending: Ending): void {
  const { usage, delivered, outcome } = ending;
  const owed = outcome === "complete" || delivered > 0;
  call.state.log.add({
    provider: call.provider.id,
    task: call.task,
    model: ending.model,
    providerRequestId: call.requestId,
    clientRequestId: clientIdOf(call),
    at: Date.now(),
    stream: ending.stream,
    status: ending.status,
    promptTokens: usage.prompt,
    cachedTokens: usage.cached,
    completionTokensGenerated: ending.generated,
    completionTokensDelivered: delivered,
    reasoningTokens: usage.reasoning,
    units: {},
    costNanoUsd: owed ? costOfText(call, ending).toString() : "0",
    outcome,
    keyHash: keyHashOf(call),
  });
}

/** Chat is charged by the token; text generation by whatever the model's price is in. */
function costOfText(call: Call, { model, usage, delivered }: Ending): bigint {
  const { state, provider, task } = call;
  if (task === "conversational") {
    const counts = { prompt: usage.prompt, cached: usage.cached, completion: delivered };
    return costOf(counts, state.priceOf(provider, model));
  }
  const units = {
    promptTokens: usage.prompt,
    cachedTokens: usage.cached,
    completionTokens: delivered,
    computeSeconds: secondsFor({ ...usage, completion: delivered }).total,
  };
  return costOfUnits(units, state.unitPriceOf(provider, model, task));
}

/** What the caller calls the request. */
export const clientIdOf = ({ request: { headers } }: Call): string | null =>
  headers.get("x-turnpike-request-id") ?? headers.get("inference-id");

export const keyHashOf = ({ key }: Call): string | null =>
  key === undefined ? null : keyHash(key);

/** For a request that was turned away before its body was read. */
export const recordRefused = (call: Call, status: number): void =>
  record(call, {
    model: "",
    stream: false,
    status,
    usage: NO_USAGE,
    generated: 0,
    delivered: 0,
    outcome: "failed",
  });

const hashes = new Map<string, string>();

/** Tells keys apart without keeping them. The few keys of a run are hashed once each. */
function keyHash(key: string): string {
  const known = hashes.get(key);
  if (known !== undefined) return known;
  if (hashes.size >= 1_000) hashes.clear();
  const hash = new Bun.CryptoHasher("sha256").update(key).digest("hex").slice(0, 16);
  hashes.set(key, hash);
  return hash;
}

const STATUS: { readonly [kind in ErrorKind]: number } = {
  unauthorized: 401,
  rate_limited: 429,
  unknown_model: 404,
  unknown_field: 400,
  bad_request: 400,
  not_found: 404,
  server_error: 500,
};

/** The provider's own refusal, as data. */
export const refusalOf = (call: Call, failure: Failure) =>
  call.provider.error({
    kind: failure.kind,
    status: failure.status ?? STATUS[failure.kind],
    message: failure.message ?? "",
    about: failure.about,
    keySent: call.key !== undefined,
    requestId: call.requestId,
  });

export function refusal(call: Call, failure: Failure): Response {
  const { status, body, headers } = refusalOf(call, failure);
  const isText = typeof body === "string";
  return new Response(isText ? body : JSON.stringify(body), {
    status,
    headers: {
      "content-type": isText ? "text/plain; charset=utf-8" : "application/json",
      [call.provider.requestIdHeader]: call.requestId,
      ...failure.headers,
      ...headers,
    },
  });
}

export const jsonAnswer = (call: Call, body: Json): Response =>
  new Response(JSON.stringify(body), {
    headers: {
      "content-type": "application/json",
      [call.provider.requestIdHeader]: call.requestId,
    },
  });
