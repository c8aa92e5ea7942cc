import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject, type Json } from "../../sim/json.js";
import { chunksIn } from "./support.js";

/** Recorded answers of the real providers, kept beside the repository. */
export const TAPES = join(import.meta.dir, "../../../shared/tapes");

export type Exchange = {
  readonly step: string;
  readonly request: {
    readonly body?: string;
    readonly bodyEncoding?: string;
    readonly upstreamPath?: string;
  };
  readonly response: {
    readonly status: number;
    readonly headers: { readonly [name: string]: string };
    readonly body?: string;
  };
};

export type Flow = {
  readonly id: string;
  readonly model: string;
  readonly exchanges: readonly Exchange[];
};

export const hasTapes = existsSync(TAPES);

export function flowsOf(provider: string, task: string): Flow[] {
  const folder = join(TAPES, provider, task);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Flow);
}

/** "choices.[].delta.content string" for every value in the answer. */
export function pathsOf(value: Json | undefined, at = ""): string[] {
  if (Array.isArray(value))
    return [`${at} array`, ...value.flatMap((one) => pathsOf(one, `${at}.[]`))];
  if (isObject(value)) {
    const inside = Object.entries(value).flatMap(([key, one]) =>
      pathsOf(one, at === "" ? key : `${at}.${key}`),
    );
    return at === "" ? inside : [`${at} object`, ...inside];
  }
  return [`${at} ${value === null ? "null" : typeof value}`];
}

/** One recording ends with a stray quote, which the recorder left there. */
export const structureOf = (body: string, streamed: boolean): Set<string> =>
  new Set(
    streamed
      ? chunksIn(body.replace(/\}"$/, "}")).flatMap((chunk) => pathsOf(chunk))
      : pathsOf(JSON.parse(body)),
  );

export const isStream = (headers: { readonly [name: string]: string }): boolean =>
  (headers["content-type"] ?? "").startsWith("text/event-stream");
