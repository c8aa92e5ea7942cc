import { answer } from "./answer.js";
import { Arrivals } from "./arrivals.js";
import type { Site } from "./parts.js";

/** Bun would end a connection after 10 s of silence; our own time limits are in force instead. */
const NO_IDLE_LIMIT = 0;
/** Bodies are limited while they are read, where an error can be written; this only bounds what Bun takes in. */
const BODY_BYTES_CEILING = 1024 * 1024 * 1024;

export type Server = { readonly origin: string; readonly stop: () => Promise<void> };

/** Listens. With `sharesPort`, several processes take turns on one port. */
export function listen(
  site: Site,
  place: { readonly host: string; readonly port: number; readonly sharesPort: boolean },
): Server {
  const { spool } = site.gateway;
  const arrivals = new Arrivals(
    (request) => answer(site, request),
    () => spool.openRequests(),
  );
  const server = Bun.serve({
    hostname: place.host,
    port: place.port,
    reusePort: place.sharesPort,
    idleTimeout: NO_IDLE_LIMIT,
    maxRequestBodySize: BODY_BYTES_CEILING,
    fetch: (request) => arrivals.take(request),
  });
  const host = place.host.includes(":") ? `[${place.host}]` : place.host;
  return {
    origin: `http://${host}:${server.port}`,
    stop: () => server.stop(),
  };
}
