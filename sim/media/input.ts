import { isString } from "../json.js";
import type { TaskAsk } from "../task/ask.js";
import { type Probed, probe } from "./probe.js";

/** Media in a request. A URL is not followed, but for the simulator's own files. */
export type Input =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly type: string }
  | { readonly kind: "url" };

const DATA_URI = /^data:([^,;]*)((?:;[^,;]*)*),/;

/** A data URI, an http(s) URL, or bare base64; undefined for anything else. */
export function readInput(ask: TaskAsk, value: unknown): Input | undefined {
  if (!isString(value) || value === "") return undefined;
  const ours = `${ask.origin}/_sim/assets/`;
  if (value.startsWith(ours)) {
    const asset = ask.call.state.assets.get(value.slice(ours.length).split("/")[0] ?? "");
    return asset ? { kind: "bytes", bytes: asset.bytes, type: asset.type } : undefined;
  }
  if (/^https?:\/\//.test(value)) return { kind: "url" };
  const found = DATA_URI.exec(value);
  const text = found ? value.slice(found[0].length) : value;
  if (!/^[A-Za-z0-9+/=\s]*$/.test(text)) return undefined;
  return { kind: "bytes", bytes: Buffer.from(text, "base64"), type: found?.[1] ?? "" };
}

/** What is known of media that the caller sent; undefined where it cannot be decoded. */
export const probeInput = (input: Input): Probed | "unseen" | undefined =>
  input.kind === "url" ? "unseen" : probe(input.bytes);
