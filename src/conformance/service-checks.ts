/** What every provider does, whatever its task: keys, errors, ids of requests, prices, costs. */
import { ceilNumber } from "../kernel/decimal.js";
import { MalformedReply } from "../providers/reply.js";
import { asObject } from "../wire/as-object.js";
import { printBillingRequest } from "../wire/billing.js";
import { PLAIN, TOKENS } from "./chat-probes.js";
import {
  type Answered,
  type Check,
  failed,
  isAnswered,
  type Judgment,
  jsonOf,
  judgeAnswer,
  judged,
  PASSED,
  type Probe,
  type Seen,
  type Sendable,
  type Subject,
  skipped,
} from "./check.js";

const smallest = (subject: Subject): Sendable =>
  subject.task === "conversational" ? subject.chat(PLAIN, TOKENS.plain) : subject.small();

const withKey =
  (key: Probe["key"]) =>
  (subject: Subject): Probe => ({ ...smallest(subject), key, isStream: false });

export const REACHABLE: Check = {
  name: "reachable",
  expected: "a connection, and a status of 2xx for the smallest request",
  hint: "Nothing else is looked at before requests arrive: the base URL, its certificate, the key, the model's name.",
  probe: withKey("good"),
  judge: judgeAnswer(({ status }) =>
    judged(status >= 200 && status < 300 ? undefined : `the status is ${status}, not 2xx`),
  ),
};

/** Whether a check before it found nobody there, so that there is nothing to find out for any other. */
export function isOutOfReach(seen: Seen): boolean {
  const observed = seen.get(REACHABLE.name);
  return observed !== undefined && !isAnswered(observed);
}

const refusedKey = judgeAnswer(({ status }) =>
  judged(status === 401 || status === 403 ? undefined : `the status is ${status}, not 401 or 403`),
);

const NO_KEY: Check = {
  name: "no_key",
  expected: "status 401 or 403 for a request without a key",
  hint: "Whoever finds the address could use it at your cost.",
  probe: withKey("none"),
  judge: refusedKey,
};

const WRONG_KEY: Check = {
  name: "wrong_key",
  expected: "status 401 or 403 for a key that nobody has",
  hint: "A refusal with another status is taken for a fault of the caller's, or of yours.",
  probe: withKey("wrong"),
  judge: refusedKey,
};

/** A 4xx whose JSON says what is wrong, under any of the names that clients look for. */
function errorFault(answer: Answered): string | undefined {
  const { status } = answer;
  if (status < 400 || status >= 500) return `the status is ${status}, not a 4xx`;
  const json = asObject(jsonOf(answer.text));
  if (!json) return "the body is no JSON object";
  const said = ["error", "message", "detail", "errors"].some((name) => json[name]);
  return said ? undefined : 'the body has neither "error", "message" nor "detail"';
}

/** The same request with a body that makes no sense. */
const spoilt =
  (spoil: (subject: Subject) => string) =>
  (subject: Subject): Probe | undefined => {
    const request = smallest(subject);
    if (typeof request.body !== "string") return undefined;
    return { ...request, body: spoil(subject), key: "good", isStream: false };
  };

const NOT_JSON: Check = {
  name: "not_json",
  expected: "a 4xx with a JSON error for a body that is no JSON",
  hint: "A 5xx is taken for your fault: the request is tried elsewhere, and you are left alone for a while.",
  probe: spoilt(() => '{"model":'),
  judge: judgeAnswer((answer) => judged(errorFault(answer))),
};

const BAD_BODY: Check = {
  name: "bad_body",
  expected: "a 4xx with a JSON error for messages that are no list",
  hint: "Say in the error which member is wrong: the caller is shown it.",
  probe: (subject) =>
    subject.task === "conversational"
      ? spoilt(({ providerModel: model }) => JSON.stringify({ model, messages: "hello" }))(subject)
      : undefined,
  judge: judgeAnswer((answer) => judged(errorFault(answer))),
};

const SERVED = ["reachable", "chat", "chat_stream", "task"];

/** The answers that were no refusals. */
function* servedIn(seen: Seen): Iterable<readonly [name: string, answer: Answered]> {
  for (const name of SERVED) {
    const observed = seen.get(name);
    if (isAnswered(observed) && observed.status < 400) yield [name, observed];
  }
}

function idsIn({ requestIdHeader }: Subject, seen: Seen): readonly string[] {
  const ids = [...servedIn(seen)].map(([, answer]) => answer.header(requestIdHeader));
  return ids.filter((id) => id !== undefined && id !== "") as string[];
}

const mayNotBill = (subject: Subject): string | undefined =>
  subject.billingUrl === undefined ? "it has no billing endpoint" : undefined;

const REQUEST_ID: Check = {
  name: "request_id",
  expected: "another id in the request-id header of every answer, streams included",
  hint: "Without it nobody can ask your billing endpoint for the request. A UUID does.",
  probe: () => undefined,
  judge: (_, subject, seen) => {
    const served = [...servedIn(seen)];
    if (served.length === 0) return skipped("no request was served");
    const ids = idsIn(subject, seen);
    const without = served.find(([, answer]) => !answer.header(subject.requestIdHeader));
    const why = without && `the answer of "${without[0]}" has no header ${subject.requestIdHeader}`;
    const twice = new Set(ids).size < ids.length ? "two answers have the same id" : undefined;
    const fault = why ?? twice;
    if (fault === undefined) return PASSED;
    // Where costs are in the answer, or counted by us, nobody needs it.
    const unneeded = mayNotBill(subject);
    return unneeded === undefined ? failed(fault) : skipped(`${fault}; ${unneeded}`);
  },
};

/** A list in the form that its provider is known for, where not all say prices. */
function listFault(answer: Answered, { providerModel, readList }: Subject): string | undefined {
  try {
    const isListed = readList?.(jsonOf(answer.text)).some(({ id }) => id === providerModel);
    return isListed ? undefined : `there is no entry with the id "${providerModel}"`;
  } catch (thrown) {
    if (!(thrown instanceof MalformedReply)) throw thrown;
    return `it is no list of models: ${thrown.message}`;
  }
}

/** A chat model's entry in a price feed. Source: spec/providers.md 6.3. */
function priceFault(answer: Answered, subject: Subject): string | undefined {
  if (answer.status !== 200) return `the status is ${answer.status}, not 200`;
  if (subject.readList) return listFault(answer, subject);
  const { providerModel, task } = subject;
  const list = asObject(jsonOf(answer.text))?.data;
  if (!Array.isArray(list)) return '"data" is no list';
  const entry = list.map(asObject).find((each) => each?.id === providerModel);
  if (!entry) return `there is no entry with the id "${providerModel}"`;
  if (task !== "conversational") return undefined;
  const pricing = asObject(entry.pricing);
  if (!pricing) return `"pricing" of "${providerModel}" is missing`;
  for (const name of ["input", "output"]) {
    const each = pricing[name];
    if (typeof each !== "number" || !(each >= 0))
      return `"pricing.${name}" is no number of dollars`;
  }
  const { context_length: context } = entry;
  return Number.isInteger(context) ? undefined : '"context_length" is no whole number';
}

const PRICES: Check = {
  name: "prices",
  expected:
    'a list "data" in which the model has "pricing": {"input", "output"} in dollars per million tokens, and "context_length"',
  hint: "Prices come from here; a model without one cannot be called with the operator's key.",
  probe: ({ modelsUrl: url }) =>
    url === undefined
      ? undefined
      : { method: "GET", url, headers: {}, body: "", key: "good", isStream: false },
  judge: judgeAnswer((answer, subject) => judged(priceFault(answer, subject))),
};

/** An id that no provider has given anybody. */
const UNKNOWN_ID = "turnpike-conformance-unknown-id";

const billingProbe = (subject: Subject, ids: readonly string[]): Probe | undefined =>
  subject.billingUrl === undefined || ids.length === 0
    ? undefined
    : {
        method: "POST",
        url: subject.billingUrl,
        headers: { "content-type": "application/json" },
        body: printBillingRequest(ids),
        key: "good",
        isStream: false,
      };

/** The entries of a billing answer as they are, with no more belief than that they are a list. */
function entriesIn(text: string): readonly Readonly<Record<string, unknown>>[] | undefined {
  const answer = asObject(jsonOf(text));
  if (answer?.requests === null) return [];
  const list = answer?.requests;
  if (!Array.isArray(list)) return undefined;
  const entries = list.map(asObject);
  return entries.some((each) => !each)
    ? undefined
    : (entries as Readonly<Record<string, unknown>>[]);
}

function billingFault(answer: Answered): string | undefined {
  if (answer.status !== 200) return `the status is ${answer.status}, not 200`;
  const entries = entriesIn(answer.text);
  if (!entries) return '"requests" is no list of objects, nor null';
  if (entries.some(({ requestId }) => typeof requestId !== "string"))
    return 'a "requestId" is no text';
  const wrong = entries.find(({ costNanoUsd: cost }) => !isCost(cost));
  if (wrong) return `"costNanoUsd" of ${wrong.requestId} is no number of nano-dollars from 0 up`;
  const isKnown = entries.some(({ requestId }) => requestId === UNKNOWN_ID);
  return isKnown ? "it names a cost for an id that it never gave" : undefined;
}

const isCost = (cost: unknown): boolean =>
  typeof cost === "number" && ceilNumber(cost, 0) !== undefined;

const costsIn = (answer: Answered): ReadonlyMap<unknown, unknown> =>
  new Map(
    (entriesIn(answer.text) ?? []).map(({ requestId, costNanoUsd }) => [requestId, costNanoUsd]),
  );

const BILLING: Check = {
  name: "billing",
  expected:
    '{"requests": [{"requestId", "costNanoUsd"}]} with the costs of the requests before, several at once, and no word of an id it does not know',
  hint: "Costs are nano-dollars from 0 up. What is not known yet is left out, and asked for again every minute.",
  probe: (subject, seen) => {
    const ids = idsIn(subject, seen);
    return billingProbe(subject, ids.length === 0 ? [] : [...ids, UNKNOWN_ID]);
  },
  isTooEarly: (observed) =>
    isAnswered(observed) && billingFault(observed) === undefined && costsIn(observed).size === 0,
  judge: (observed, subject, seen) => {
    const unneeded = mayNotBill(subject);
    if (unneeded !== undefined) return skipped(unneeded);
    const ids = idsIn(subject, seen);
    if (ids.length === 0) return failed("no answer had an id that could be asked for");
    return judgeAnswer((answer): Judgment => {
      const fault = billingFault(answer);
      if (fault !== undefined) return failed(fault);
      const costs = costsIn(answer);
      const untold = ids.filter((id) => !costs.has(id));
      return judged(untold.length === 0 ? undefined : `no cost is told of ${untold.join(", ")}`);
    })(observed, subject, seen);
  },
};

const BILLING_AGAIN: Check = {
  name: "billing_again",
  expected: "the same costs for the same ids, however often they are asked for",
  hint: "A cost that was told is booked; another one later would be a second charge.",
  probe: (subject, seen) => billingProbe(subject, idsIn(subject, seen)),
  judge: (observed, subject, seen) => {
    const unneeded = mayNotBill(subject);
    if (unneeded !== undefined) return skipped(unneeded);
    const before = seen.get("billing");
    if (!isAnswered(before) || !isAnswered(observed)) return skipped("no cost was told before");
    const costs = costsIn(observed);
    const changed = [...costsIn(before)].find(([id, cost]) => costs.get(id) !== cost);
    return judged(changed && `the cost of ${changed[0]} is another one now`);
  },
};

export const SERVICE_CHECKS = {
  before: [REACHABLE, NO_KEY, WRONG_KEY],
  after: [NOT_JSON, BAD_BODY, REQUEST_ID, PRICES, BILLING, BILLING_AGAIN],
} as const;
