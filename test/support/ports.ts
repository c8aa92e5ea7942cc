/** Below where systems take the ports of outgoing connections from: one of these may have taken a port before its server does. */
const FIRST = 20_000;
const COUNT = 12_000;
const TRIES = 100;

/** A port that nobody listens on, for a server that is started a while later. */
export function freePort(): number {
  for (let tried = 0; tried < TRIES; tried++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE"))
        throw thrown;
    }
  }
  throw new Error(`no port from ${FIRST} on is free`);
}
