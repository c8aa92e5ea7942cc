/** A question that is put to us and to Hugging Face's client, and how a request of either is written down. */
import type { InferenceProvider } from "@huggingface/inference";
import type { Provider, ProviderRequest } from "../../../src/providers/provider.js";
import type { Media } from "../../../src/tasks/media.js";
import type { Json } from "../../../src/tasks/task-call.js";
import {
  type OtherTask,
  type WrittenField,
  type WrittenMedia,
  writtenRequest,
} from "../exchange-files.js";

/** Not `hf_…`, so that the client goes to the provider directly. */
export const KEY = "provider-key";

export type Sent = {
  readonly url: string;
  readonly method: string;
  /** In lower case, with the key and without what the client says of itself. */
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly bytes?: WrittenMedia;
  readonly form?: readonly WrittenField[];
};

export type OracleRow = {
  readonly provider: InferenceProvider;
  readonly task: OtherTask;
  readonly how: string;
  /** As the provider calls it; `org/model` if not said. */
  readonly model?: string;
  /** The file of weights of a LoRA adapter. */
  readonly lora?: string;
  readonly inputs?: unknown;
  readonly media?: Media;
  readonly parameters?: Json;
  readonly extra?: Json;
  /** What the client is given, where it is not the same: media become a Blob under `inputs`. */
  readonly args?: Json;
  /** Where ours is another request on purpose: why, and what becomes of the client's. */
  readonly but?: { readonly why: string; readonly ours: (theirs: Sent) => Sent };
};

/** Our request as the gateway would send it. */
export function sentByUs(provider: Provider, request: ProviderRequest): Sent {
  const { method, path, host, body, ...rest } = writtenRequest(request);
  const origin = host === undefined ? provider.origin : provider.hosts?.[host];
  if (origin === undefined) throw new Error(`${provider.id} has no host ${host}`);
  return {
    url: origin + path,
    method,
    headers: {
      [provider.auth.header]: `${provider.auth.scheme} ${KEY}`,
      ...(request.body?.kind === "json" && { "content-type": "application/json" }),
      ...provider.headers,
      ...rest.headers,
    },
    ...(request.body?.kind === "json" && { json: body }),
    ...(rest.bytes && { bytes: rest.bytes }),
    ...(rest.form && { form: rest.form }),
  };
}

/** Changes the JSON body of the client's request. */
export const withJson =
  (change: (json: Json) => unknown) =>
  (theirs: Sent): Sent => ({ ...theirs, json: change(theirs.json as Json) });
