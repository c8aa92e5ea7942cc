/** Asks one provider what some requests cost. */
import { assert } from "../../kernel/errors.js";
import {
  BILLING_ANSWER_BYTES_MAX,
  BILLING_ANSWER_MS,
  BILLING_CONNECT_MS,
} from "../../kernel/limits.js";
import type { NanoUsd } from "../../kernel/money.js";
import { parseBillingAnswer, printBillingRequest } from "../../wire/billing.js";
import { Deadline } from "../deadline.js";
import { headersFor } from "../headers.js";
import type { ConfiguredProvider, Gateway } from "../parts.js";
import { readText } from "../read-answer.js";

/**
 * By the provider's own ids; throws an Error that says why there is nothing to be learned this time. `stopping` aborts
 * when this process ends.
 */
export async function askCosts(
  { http, clock, limits, newId }: Pick<Gateway, "http" | "clock" | "limits" | "newId">,
  { provider, key, billing, guard }: ConfiguredProvider,
  ids: readonly string[],
  stopping: AbortSignal,
): Promise<ReadonlyMap<string, NanoUsd>> {
  if (!billing) throw new Error("it has no billing endpoint");
  const { baseUrl, path } = placeOf(billing.url);
  const endsAt = clock.elapsed() + BILLING_ANSWER_MS;
  const deadline = new Deadline(clock, { signal: stopping }, endsAt, BILLING_ANSWER_MS);
  try {
    const headers = headersFor(provider.headers ?? NO_HEADERS, provider.auth, key, false);
    const body = printBillingRequest(ids);
    const request = { baseUrl, guard, path, headers, requestId: newId(), body };
    const exchange = await http.send(request, deadline, BILLING_CONNECT_MS, () => deadline.pause());
    const { head } = exchange;
    assert(head, "an answered exchange has a head");
    if (head.status !== 200) {
      deadline.stop(new Error("refused"));
      throw new Error(`status ${head.status}`);
    }
    const bounds = { ...limits, answerBytesMax: BILLING_ANSWER_BYTES_MAX };
    const text = await readText({ deadline, limits: bounds }, { head, exchange });
    const costs = parseBillingAnswer(text, new Set(ids));
    if (!costs) throw new Error("the answer is no list of costs");
    return costs;
  } finally {
    deadline.end();
  }
}

const NO_HEADERS = {};

function placeOf(url: string): { readonly baseUrl: string; readonly path: string } {
  const { origin, pathname, search } = new URL(url);
  return { baseUrl: origin, path: pathname + search };
}
