/**
 * What lies between the end of an attempt that failed and the beginning of the next one, seen from inside. Nothing else
 * of a failover is ours: before its end the attempt waits for its provider, and once the next is begun it does again.
 */
import type { Exchange } from "../../src/gateway/client/exchange.js";
import type { HttpPool } from "../../src/gateway/client/pool.js";
import type { Log } from "../../src/kernel/log.js";
import { threadMs } from "./thread-clock.js";

export type Failover = {
  readonly requestId: string;
  /** On the clock on the wall, and on the processor. */
  readonly wallMs: number;
  readonly threadMs: number;
  /** Nothing was waited for in between: no timer, no store, no other thread. */
  readonly isOneTurn: boolean;
};

type End = { readonly at: number; readonly threadMs: number; isTurnOver: boolean };

/** Nothing of such an answer is read: its head is the attempt's end. */
const isRefusal = (status = 0): boolean => status === 429 || status >= 500;

export function watchFailovers() {
  const ends = new Map<string, End>();
  const seen: Failover[] = [];

  const ended = (requestId: string): void => {
    if (ends.has(requestId)) return;
    const end: End = { at: performance.now(), threadMs: threadMs(), isTurnOver: false };
    ends.set(requestId, end);
    setImmediate(() => {
      end.isTurnOver = true;
    });
  };

  const begun = (requestId: string): void => {
    const end = ends.get(requestId);
    if (!end || !ends.delete(requestId)) return;
    seen.push({
      requestId,
      wallMs: performance.now() - end.at,
      threadMs: threadMs() - end.threadMs,
      isOneTurn: !end.isTurnOver,
    });
  };

  /** What is wrong with a body that was read is logged as soon as it is known. */
  const log: Log = (_level, event, facts) => {
    if (event === "attempt_failed") ended(String(facts?.request));
  };

  const noteHead = (requestId: string, { head }: Exchange): void => {
    if (isRefusal(head?.status)) ended(requestId);
  };

  /** Requests go out over a kept connection or, where there is none, over a new one. */
  const watch = (http: HttpPool): void => {
    const [sendKept, sendFresh] = [http.sendKept.bind(http), http.sendFresh.bind(http)];
    const watched: Pick<HttpPool, "sendKept" | "sendFresh"> = {
      sendKept: (request, deadline) => {
        begun(request.requestId);
        const exchange = sendKept(request, deadline);
        const response = exchange?.response.bind(exchange);
        if (!exchange || !response) return undefined;
        const heard = () => response().then(() => noteHead(request.requestId, exchange));
        return Object.assign(exchange, { response: heard });
      },
      sendFresh: async (request, ...rest) => {
        begun(request.requestId);
        const exchange = await sendFresh(request, ...rest);
        noteHead(request.requestId, exchange);
        return exchange;
      },
    };
    Object.assign(http, watched);
  };

  return { log, watch, seen };
}
