/** Fetches what a URL in an answer or a request points to: without credentials, within limits, never from inside. */
import { assert } from "../../kernel/errors.js";
import { REDIRECTS_MAX } from "../../kernel/limits.js";
import type { Media } from "../../tasks/media.js";
import type { Exchange } from "../client/exchange.js";
import type { Deadline } from "../deadline.js";
import type { Gateway } from "../parts.js";
import { readBytes } from "../read-answer.js";
import type { Guard } from "../registry/guard.js";
import { ForbiddenUrlError, publicAddressOf } from "../registry/public-address.js";

export type Download = {
  readonly url: string;
  /** Anything here may be fetched too, wherever it lies: the operator named it. */
  readonly trustedOrigin: string | undefined;
  /** Judges where it may lie, where that is not simply anywhere public. */
  readonly guard?: Guard | undefined;
  readonly deadline: Deadline;
};

/** Something that is not there, too large, or not to be fetched. Its message is safe to show. */
export class DownloadError extends Error {}

const HEADERS = { accept: "*/*", "accept-encoding": "identity", "user-agent": "turnpike" };

/** Throws DownloadError or ForbiddenUrlError, and whatever a broken connection throws. */
export async function download(gateway: Gateway, { url, ...how }: Download): Promise<Media> {
  let next = url;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const place = new URL(next);
    const exchange = await get(gateway, place, how);
    const { head } = exchange;
    assert(head, "an answered exchange has a head");
    const location = head.get("location");
    if (head.status >= 300 && head.status < 400 && location !== undefined) {
      exchange.stop(new Error("moved"));
      next = new URL(location, place).href;
      continue;
    }
    if (head.status !== 200) {
      exchange.stop(new Error("refused"));
      throw new DownloadError(`it answered with status ${head.status}`);
    }
    return await readMedia(gateway, how.deadline, exchange);
  }
  throw new DownloadError("it redirects too often");
}

async function get(
  { http, limits, newId }: Gateway,
  place: URL,
  { trustedOrigin, guard = publicAddressOf, deadline }: Omit<Download, "url">,
): Promise<Exchange> {
  if (place.protocol !== "https:" && place.protocol !== "http:") {
    throw new ForbiddenUrlError(`a URL that begins with ${place.protocol} is not fetched`);
  }
  if (place.username !== "" || place.password !== "") {
    throw new ForbiddenUrlError("a URL with a name or password in it is not fetched");
  }
  const isTrusted = place.origin === trustedOrigin;
  const pinned = isTrusted ? undefined : { address: await guard(place.hostname) };
  const request = {
    baseUrl: place.origin,
    ...pinned,
    method: "GET" as const,
    path: place.pathname + place.search,
    headers: HEADERS,
    requestId: newId(),
    body: "",
  };
  return http.send(request, deadline, limits.connectMs, () =>
    deadline.allow(limits.firstByteMs, "first byte"),
  );
}

async function readMedia(
  { limits }: Gateway,
  deadline: Deadline,
  exchange: Exchange,
): Promise<Media> {
  const { head } = exchange;
  assert(head, "an answered exchange has a head");
  const length = Number(head.get("content-length") ?? 0);
  if (length > limits.mediaBytesMax) {
    exchange.stop(new Error("too large"));
    throw new DownloadError(`it is larger than the limit of ${limits.mediaBytesMax} bytes`);
  }
  const bounds = { ...limits, answerBytesMax: limits.mediaBytesMax };
  const bytes = await readBytes({ deadline, limits: bounds }, { head, exchange });
  return { bytes, type: mediaTypeOf(head.get("content-type")) };
}

/** In lower case and without parameters. */
export const mediaTypeOf = (header: string | undefined): string =>
  header?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
