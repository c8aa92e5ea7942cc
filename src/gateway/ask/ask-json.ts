/** Asks somebody for JSON, within limits: for what nobody waits for with a request. */
import { assert } from "../../kernel/errors.js";
import { LISTING_ANSWER_MS, LISTING_BYTES_MAX, LISTING_CONNECT_MS } from "../../kernel/limits.js";
import { Deadline } from "../deadline.js";
import type { Gateway } from "../parts.js";
import { readText } from "../read-answer.js";
import type { Guard } from "../registry/guard.js";

export type Asker = Pick<Gateway, "http" | "clock" | "limits" | "newId">;

export type Question = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Judges where it may lie, where somebody else named it. */
  readonly guard?: Guard | undefined;
  readonly signal: AbortSignal;
};

export type Answered = {
  readonly status: number;
  /** `name` in lower case. */
  readonly header: (name: string) => string | undefined;
  /** Empty where the status is not 200. */
  readonly text: string;
};

/** Throws an Error that says in a few words why there is no answer. */
export async function ask(
  { http, clock, limits, newId }: Asker,
  { url, headers, guard, signal }: Question,
): Promise<Answered> {
  const { origin, pathname, search } = new URL(url);
  const endsAt = clock.elapsed() + LISTING_ANSWER_MS;
  const deadline = new Deadline(clock, { signal }, endsAt, LISTING_ANSWER_MS);
  const request = {
    ...{ baseUrl: origin, guard, method: "GET" as const, path: pathname + search },
    ...{ headers, requestId: newId(), body: "" },
  };
  try {
    const exchange = await http.send(request, deadline, LISTING_CONNECT_MS, () => deadline.pause());
    const { head } = exchange;
    assert(head, "an answered exchange has a head");
    const { status } = head;
    const header = (name: string) => head.get(name);
    if (status !== 200) {
      deadline.stop(new Error("refused"));
      return { status, header, text: "" };
    }
    const bounds = { ...limits, answerBytesMax: LISTING_BYTES_MAX };
    return {
      status,
      header,
      text: await readText({ deadline, limits: bounds }, { head, exchange }),
    };
  } catch (thrown) {
    throw deadline.reason ?? thrown;
  } finally {
    deadline.end();
  }
}

/** The same for what must be JSON; its `link` is the header of that name. */
export async function askJson(
  asker: Asker,
  question: Question,
): Promise<{ readonly json: unknown; readonly link: string | undefined }> {
  const { status, header, text } = await ask(asker, question);
  if (status !== 200) throw new Error(`it answered with status ${status}`);
  return { json: parse(text), link: header("link") };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error("its answer is no JSON", { cause });
  }
}
