import type { SocketHandler } from "bun";
import { systemClock } from "../../kernel/clock.js";
import { RouterError } from "../../kernel/errors.js";
import { reasonOf } from "../../kernel/log.js";
import { Answering } from "../answer.js";
import { errorResponse } from "../errors.js";
import type { Site } from "../parts.js";
import { Arrivals } from "./arrivals.js";
import { Connection } from "./connection.js";
import type { ConnectionParts, Watched } from "./parts.js";
import { dateLine } from "./print-answer.js";

const LOOK_EVERY_MS = 1_000;

export type Server = { readonly origin: string; readonly stop: () => Promise<void> };

/** One set of handlers for all connections: Bun keeps what it is given for as long as a socket lives. */
function handlersFor(parts: ConnectionParts, open: Set<Watched>): SocketHandler<Connection> {
  return {
    open: (socket) => {
      socket.data = new Connection(socket, parts);
      socket.setNoDelay(true);
      open.add(socket.data);
    },
    data: (socket, bytes) => socket.data.receive(bytes),
    drain: (socket) => socket.data.sendRest(),
    error: (socket) => socket.terminate(),
    close: (socket) => socket.data.closed(),
  };
}

/** Listens. With `sharesPort`, several processes take turns on one port. */
export function listen(
  site: Site,
  place: { readonly host: string; readonly port: number; readonly sharesPort: boolean },
): Server {
  const { spool, newId, log } = site.gateway;
  const open = new Set<Watched>();
  const stopping = Promise.withResolvers<void>();
  let isStopping = false;
  const endIfOver = () => {
    if (isStopping && open.size === 0) stopping.resolve();
  };
  const time = { dateLine: dateLine(systemClock.now()) };
  const parts: ConnectionParts = {
    time,
    arrivals: new Arrivals(() => spool.openRequests()),
    gone: (connection) => {
      open.delete(connection);
      endIfOver();
    },
    fault: (thrown) => log("error", "answer_failed", { reason: reasonOf(thrown) }),
    service: (request) => new Answering(site, request),
    refuse: ({ message, status }) =>
      errorResponse(new RouterError("bad_request", message, { status }), {
        dialect: "openai",
        id: newId(),
        log,
      }),
  };
  // Apart, because Bun's types know of a shared port only where one connects.
  const options = {
    hostname: place.host,
    port: place.port,
    reusePort: place.sharesPort,
    socket: handlersFor(parts, open),
  };
  const listener = Bun.listen<Connection>(options);
  const looking = setInterval(() => {
    time.dateLine = dateLine(systemClock.now());
    for (const connection of open) connection.look(systemClock.elapsed());
  }, LOOK_EVERY_MS);
  const host = place.host.includes(":") ? `[${place.host}]` : place.host;
  return {
    origin: `http://${host}:${listener.port}`,
    stop: async () => {
      listener.stop();
      isStopping = true;
      for (const connection of open) connection.stop();
      endIfOver();
      await stopping.promise;
      clearInterval(looking);
    },
  };
}
