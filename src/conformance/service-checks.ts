/** What every provider does, whatever its task: keys, errors, prices; with what is asked of it to be paid. */
import { MalformedReply } from "../providers/reply.js";
import { asObject } from "../wire/as-object.js";
import { BILLING, BILLING_AGAIN, REQUEST_ID } from "./billing-checks.js";
import { PLAIN, TOKENS } from "./chat-probes.js";
import {
  type Answered,
  type Check,
  isAnswered,
  jsonOf,
  judgeAnswer,
  judged,
  type Probe,
  type Seen,
  type Sendable,
  type Subject,
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

export const SERVICE_CHECKS = {
  before: [REACHABLE, NO_KEY, WRONG_KEY],
  after: [NOT_JSON, BAD_BODY, REQUEST_ID, PRICES, BILLING, BILLING_AGAIN],
} as const;
