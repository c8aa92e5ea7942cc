/** What form an answer is wanted in: `?format=`, else the Accept header, else the first that there is. */
import { badRequest } from "../kernel/errors.js";
import type { Visit } from "./parts.js";

const MEDIA_TYPES = {
  json: "application/json",
  csv: "text/csv",
  html: "text/html",
} as const;

export type Format = keyof typeof MEDIA_TYPES;

export function formatOf<F extends Format>({ url, request }: Visit, known: readonly F[]): F {
  const asked = url.searchParams.get("format");
  if (asked !== null) {
    const format = known.find((name) => name === asked);
    if (format === undefined) throw badRequest(`"format" must be ${known.join(" or ")}.`, "format");
    return format;
  }
  const accepted = (request.headers.get("accept") ?? "").split(",").map(mediaType);
  for (const type of accepted) {
    const format = known.find((name) => MEDIA_TYPES[name] === type);
    if (format !== undefined) return format;
  }
  return known[0] as F;
}

const mediaType = (accepted: string): string =>
  (accepted.split(";", 1)[0] ?? "").trim().toLowerCase();

/** A table that browsers save under a name. */
export const csvFile = (text: string, name: string): Response =>
  new Response(text, {
    headers: {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": `attachment; filename="${name}.csv"`,
    },
  });
