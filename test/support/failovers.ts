/**
 * What lies between the end of an attempt that failed and the beginning of the next one, seen from inside. Nothing else
 * of a failover is ours: before its end the attempt waits for its provider, and once the next is begun it does again.
 */
import { dlopen, FFIType } from "bun:ffi";
import type { Exchange } from "../../src/gateway/client/exchange.js";
import type { HttpPool } from "../../src/gateway/client/pool.js";
import type { Log } from "../../src/kernel/log.js";

export type Failover = {
  readonly requestId: string;
  /** On the clock on the wall, and on the processor. */
  readonly wallMs: number;
  readonly threadMs: number;
  /** Nothing was waited for in between: no timer, no store, no other thread. */
  readonly isOneTurn: boolean;
};

type End = { readonly at: number; readonly threadMs: number; isTurnOver: boolean };

/**
 * How long this thread has had a processor, in ms. `process.threadCpuUsage` tells what it was at the last tick of the
 * scheduler, which may be 4 ms ago; only this clock tells it exactly. Without it, as on other systems than Linux, time
 * on the wall is the next best.
 */
function threadClock(): () => number {
  if (process.platform !== "linux") return () => performance.now();
  const args = [FFIType.i32, FFIType.ptr];
  const { symbols } = dlopen("libc.so.6", { clock_gettime: { args, returns: FFIType.i32 } });
  const [THREAD_CPU, time] = [3, new BigInt64Array(2)];
  return () => {
    symbols.clock_gettime(THREAD_CPU, time);
    const [seconds = 0n, nanoseconds = 0n] = time;
    return Number(seconds) * 1_000 + Number(nanoseconds) / 1e6;
  };
}

const threadMs = threadClock();

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
