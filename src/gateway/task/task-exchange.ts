/** One request of a task to its provider, and the answer as adapters read it. */
import { assert } from "../../kernel/errors.js";
import {
  type Provider,
  type ProviderReply,
  type ProviderRequest,
  shownKey,
} from "../../providers/provider.js";
import type { Exchange } from "../client/exchange.js";
import { type Failure, judgeStatus } from "../failure.js";
import type { Call, ConfiguredProvider, Gateway } from "../parts.js";
import { type Answer, readBytes } from "../read-answer.js";
import type { Attempt } from "../send.js";
import type { Turn } from "../turn.js";
import { mediaTypeOf } from "./download.js";
import { printBody } from "./task-body.js";

/** The provider at a candidate's turn. */
export type Asking = {
  readonly gateway: Gateway;
  readonly call: Pick<Call, "id">;
  readonly turn: Omit<Turn, "held">;
  readonly configured: ConfiguredProvider;
  readonly key: string | undefined;
  readonly onHead: Attempt["onHead"];
};

/** The answer, or why there is none. Throws what a broken connection throws. */
export async function exchangeWith(
  asking: Asking,
  request: ProviderRequest,
): Promise<ProviderReply | Failure> {
  const { gateway, turn, key } = asking;
  const { deadline, candidate } = turn;
  const exchange = await begin(asking, request);
  const { head } = exchange;
  assert(head, "an answered exchange has a head");
  const answer = { head, exchange };
  if (head.status < 200 || head.status >= 300) {
    const { limits, clock } = gateway;
    const isOwnKey = candidate.keySource !== "operator";
    return judgeStatus({ deadline, limits, clock, isOwnKey, key }, answer);
  }
  if (request.method === "POST") asking.onHead?.(head);
  return readReply(asking, request, answer);
}

/** All of an answer, within the limit on media. */
export async function readReply(
  { gateway: { limits }, turn: { deadline } }: Asking,
  request: ProviderRequest,
  answer: Answer,
): Promise<ProviderReply> {
  const { head } = answer;
  const bounds = { ...limits, answerBytesMax: limits.mediaBytesMax };
  const bytes = await readBytes({ deadline, limits: bounds }, answer);
  const type = mediaTypeOf(head.get("content-type"));
  return {
    request,
    status: head.status,
    header: (name) => head.get(name),
    type,
    bytes,
    json: jsonIn(type, bytes),
  };
}

/** Sends, and resolves once the answer begins. */
export function begin(
  { gateway, call, turn, configured, key }: Asking,
  request: ProviderRequest,
): Promise<Exchange> {
  const { provider, guard } = configured;
  const { deadline, time } = turn;
  const { limits, http } = gateway;
  const { upload } = request;
  const { type, body } = upload
    ? { type: upload.type, body: upload }
    : printBody(request.body, `turnpike-${call.id}`);
  const headers = {
    ...provider.headers,
    accept: "*/*",
    ...request.headers,
    ...(type !== undefined && { "content-type": type }),
    "accept-encoding": "identity",
    "user-agent": "turnpike",
    ...(key !== undefined && { [provider.auth.header]: shownKey(provider.auth, key) }),
  };
  const place = placeOf(configured, request);
  const { method } = request;
  return http.send(
    { ...place, guard, method, headers, requestId: call.id, body },
    deadline,
    limits.connectMs,
    () => {
      if (method === "POST") time?.start();
      deadline.allow(method === "POST" ? limits.plainAnswerMs : limits.firstByteMs, "answer");
    },
  );
}

/**
 * Where a provider's request goes. A base URL of the operator's own stands for all hosts of the provider, so the other
 * host is named as Hugging Face's router has it named: in the query.
 */
function placeOf(
  { provider, baseUrl }: ConfiguredProvider,
  { path, host }: ProviderRequest,
): { readonly baseUrl: string; readonly path: string } {
  if (host === undefined) return { baseUrl, path };
  if (baseUrl === provider.origin) return { baseUrl: hostOf(provider, host), path };
  return { baseUrl, path: `${path}${path.includes("?") ? "&" : "?"}_subdomain=${host}` };
}

function hostOf(provider: Provider, host: string): string {
  const found = provider.hosts?.[host];
  assert(found, `${provider.id} has a host "${host}"`);
  return found;
}

function jsonIn(type: string, bytes: Uint8Array): unknown {
  if (!type.endsWith("json") && type !== "" && !type.startsWith("text/")) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    // An adapter that wanted JSON says what is missing; the text itself is not for any log.
    return undefined;
  }
}
