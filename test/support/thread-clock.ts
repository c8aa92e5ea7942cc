import { dlopen, FFIType } from "bun:ffi";

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

export const threadMs = threadClock();
