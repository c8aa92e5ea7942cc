/** What a provider must do so that it can be paid: name every request, and tell what each cost. */
import { ceilNumber } from "../kernel/decimal.js";
import { asObject } from "../wire/as-object.js";
import { printBillingRequest } from "../wire/billing.js";
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
  type Subject,
  skipped,
} from "./check.js";

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

export const REQUEST_ID: Check = {
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

export const BILLING: Check = {
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

export const BILLING_AGAIN: Check = {
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
