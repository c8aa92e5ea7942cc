/** Asks a provider which models it has, at what prices. */
import { providerModel } from "../../catalog/entry.js";
import type { ListedModel } from "../../providers/provider.js";
import { MalformedReply } from "../../providers/reply.js";
import { headersFor } from "../headers.js";
import type { ConfiguredProvider } from "../parts.js";
import { type Asker, askJson } from "./ask-json.js";

/** Undefined for one that has no list. Throws an Error that says why there is nothing to be learned. */
export async function askModels(
  asker: Asker,
  configured: ConfiguredProvider,
  signal: AbortSignal,
): Promise<readonly ListedModel[] | undefined> {
  const { provider, key, guard, baseUrl, modelsUrl } = configured;
  if (!provider.listing) return undefined;
  const url = modelsUrl ?? baseUrl + provider.listing.path;
  const headers = headersFor(provider.headers ?? NO_HEADERS, provider.auth, key, false);
  const { json } = await askJson(asker, { url, headers, guard, signal });
  const listed = readList(provider.listing, json).filter(
    ({ id }) => providerModel.safeParse(id).success,
  );
  // Nobody has no model at all: something else is wrong, and must not take all of them away.
  if (listed.length === 0) throw new Error("its list is empty");
  return listed;
}

const NO_HEADERS = {};

function readList(
  { read }: NonNullable<ConfiguredProvider["provider"]["listing"]>,
  json: unknown,
): readonly ListedModel[] {
  try {
    return read(json);
  } catch (thrown) {
    if (!(thrown instanceof MalformedReply)) throw thrown;
    throw new Error(`its list is none: ${thrown.message}`, { cause: thrown });
  }
}
