/** What came of the checks, for people and programs: no more of a body than a look, and no key. */
import { REPORT_CHARS_MAX } from "../kernel/limits.js";
import { type Check, isAnswered, type Judgment, type Observed, type Probe } from "./check.js";

export type Finding = {
  readonly name: string;
  readonly verdict: "passed" | "failed" | "skipped" | "unsupported";
  /** What is wrong, or why there was nothing to find out. */
  readonly why: string | null;
  readonly expected: string;
  readonly sent: string | null;
  readonly received: string | null;
  readonly ms: number | null;
  readonly hint: string | null;
};

export type Report = {
  readonly provider: string;
  readonly model: string;
  readonly task: string;
  readonly at: string;
  readonly passed: boolean;
  readonly checks: readonly Finding[];
};

export type Ran = {
  readonly check: Check;
  readonly probe: Probe | undefined;
  readonly observed: Observed | undefined;
  readonly judgment: Judgment;
};

/** `key` is what must not be seen in it; `shown` names the headers of answers that are told. */
export function findingOf(
  { check, probe, observed, judgment }: Ran,
  { key, shown }: { readonly key: string | undefined; readonly shown: readonly string[] },
): Finding {
  const { name, expected, hint, isOptional } = check;
  const isLacking = judgment.verdict === "failed" && isOptional === true;
  const isGood = judgment.verdict === "passed";
  const hidden = (text: string) => (key ? text.replaceAll(key, "…") : text);
  return {
    name,
    verdict: isLacking ? "unsupported" : judgment.verdict,
    why: isGood ? null : hidden(judgment.why),
    expected,
    sent: probe ? hidden(printProbe(probe)) : null,
    received: observed ? hidden(printObserved(observed, shown)) : null,
    ms: isAnswered(observed) ? Math.round(observed.ms) : null,
    hint: judgment.verdict === "failed" ? hint : null,
  };
}

const KEYS: Readonly<Record<Probe["key"], string>> = {
  good: "with the key",
  wrong: "with a key that nobody has",
  none: "without a key",
};

const printProbe = ({ method, url, key, body }: Probe): string =>
  [`${method} ${url}, ${KEYS[key]}`, printBody(body)].filter(Boolean).join("\n");

const printBody = (body: string | Uint8Array): string =>
  typeof body === "string" ? cut(body) : `${body.byteLength} bytes`;

function printObserved(observed: Observed, shown: readonly string[]): string {
  if (!isAnswered(observed)) return observed.failed;
  const headers = ["content-type", "retry-after", ...shown].flatMap((name) => {
    const value = observed.header(name);
    return value === undefined ? [] : [`${name}: ${cut(value)}`];
  });
  return [`status ${observed.status}`, ...headers, textOf(observed)].filter(Boolean).join("\n");
}

function textOf({ header, bytes, text }: Extract<Observed, { status: number }>): string {
  const type = header("content-type") ?? "";
  const isText = type === "" || /json|^text\//i.test(type);
  return isText ? cut(text) : `${bytes.byteLength} bytes`;
}

const cut = (text: string): string =>
  text.length <= REPORT_CHARS_MAX ? text : `${text.slice(0, REPORT_CHARS_MAX)}…`;
