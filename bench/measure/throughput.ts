import type { ClosedLoopResult } from "../load/spec.js";
import { coreShare, watchStolen } from "../usage-of.js";
import { type Session, sendLoad } from "./session.js";

export type Durations = { readonly warmupMs: number; readonly durationMs: number };

export type Throughput = {
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Part of one core: what the proxy, the upstream and the generator used while measuring. */
  readonly proxyCore: number;
  readonly upstreamCore: number;
  readonly generatorCore: number;
  /** What part of the proxy's core the host gave to others; not a number where that is not told. */
  readonly stolen: number;
};

const connections = 64;
const slackMs = 30_000;

/** Plain chat requests at 64 connections, each sending the next as soon as it has its answer. */
export const measureThroughput = (session: Session, durations: Durations): Promise<Throughput> =>
  closedLoop(session, { ...durations, connections });

/** The same at one connection: how long one request takes when nothing else is going on. */
export const measureLatency = (session: Session, durations: Durations): Promise<Throughput> =>
  closedLoop(session, { ...durations, connections: 1 });

async function closedLoop(
  session: Session,
  how: Durations & { readonly connections: number },
): Promise<Throughput> {
  const { bodyBytes, proxy, pins } = session;
  const stolen = watchStolen(pins.proxy);
  const loaded = await sendLoad<ClosedLoopResult>(session, {
    spec: { mode: "closed-loop", target: proxy.target, bodyBytes, ...how },
    limitMs: how.warmupMs + how.durationMs + slackMs,
  });
  const { requestsPerSecond, latencyUs, window } = loaded.result;
  return {
    requestsPerSecond,
    p50Us: latencyUs.p50,
    p99Us: latencyUs.p99,
    proxyCore: coreShare(loaded.proxyUsage, window),
    upstreamCore: coreShare(loaded.upstreamUsage, window),
    generatorCore: coreShare(loaded.generatorUsage, window),
    stolen: stolen.share(),
  };
}
