import type { StreamsResult } from "../load/spec.js";
import { coreShare, rssPeak, usageOf } from "../usage-of.js";
import { type Session, sendLoad } from "./session.js";

export type Streams = {
  readonly streams: number;
  /** Fewer than `streams` when the proxy was too slow to let them overlap. */
  readonly openPeak: number;
  readonly eventsPerSecond: number;
  /** From the upstream's write to the generator's read, for every event. */
  readonly delayP50Us: number;
  readonly delayP99Us: number;
  readonly firstEventP50Us: number;
  readonly firstEventP99Us: number;
  readonly idleRssBytes: number;
  readonly openRssBytes: number;
  readonly afterRssBytes: number;
  readonly kbPerStream: number;
  readonly proxyCore: number;
  readonly upstreamCore: number;
  readonly generatorCore: number;
};

const rampMs = 1000;
const limitMs = 90_000;
const settleMs = 500;

/**
 * Memory is the strict difference: the peak while all streams were open, less the fresh idle process, so
 * what the runtime sets up once under its first load counts as the streams' too. Where they never were
 * all open, it is the peak of the whole run, divided by the most that were.
 */
export async function measureStreams(session: Session, streams: number): Promise<Streams> {
  const { pids, target } = session.proxy;
  const idle = usageOf(pids);
  const loaded = await sendLoad<StreamsResult>(session, {
    spec: { mode: "streams", target, streams, rampMs, limitMs },
    limitMs: limitMs + rampMs + 10_000,
  });
  const { result } = loaded;
  const window = result.allOpen ?? result.whole;
  await Bun.sleep(settleMs);
  const openRssBytes = rssPeak(loaded.proxyUsage, window);
  return {
    streams,
    openPeak: result.openPeak,
    eventsPerSecond: (result.events * 1000) / (result.whole.toMs - result.whole.fromMs),
    delayP50Us: result.delayUs.p50,
    delayP99Us: result.delayUs.p99,
    firstEventP50Us: result.firstEventUs.p50,
    firstEventP99Us: result.firstEventUs.p99,
    idleRssBytes: idle.rssBytes,
    openRssBytes,
    afterRssBytes: usageOf(pids).rssBytes,
    kbPerStream: (openRssBytes - idle.rssBytes) / 1000 / result.openPeak,
    proxyCore: coreShare(loaded.proxyUsage, window),
    upstreamCore: coreShare(loaded.upstreamUsage, window),
    generatorCore: coreShare(loaded.generatorUsage, window),
  };
}
