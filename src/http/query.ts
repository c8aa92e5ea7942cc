/** The query of a route of our own. */
import { badRequest } from "../kernel/errors.js";
import type { Visit } from "./parts.js";

const NAME_CHARS_SHOWN = 40;

/** Throws `bad_request` for a name the route does not know: a filter misspelt and ignored would answer another question. */
export function queryOf({ url }: Visit, known: readonly string[]): URLSearchParams {
  for (const name of url.searchParams.keys()) {
    if (known.includes(name)) continue;
    const shown = name.slice(0, NAME_CHARS_SHOWN);
    throw badRequest(`The query may have ${known.join(", ")}, but not "${shown}".`, shown);
  }
  return url.searchParams;
}
