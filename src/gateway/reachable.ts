/**
 * `fetch` has one time limit for connecting and waiting together. A host that swallows packets must be told from
 * a model that thinks, so an origin that was not heard of lately is first connected to, and nothing more.
 */
import { connect } from "node:net";

const REMEMBERED_MS = 30_000;
const reachedAt = new Map<string, number>();

/** Resolves when the origin of `baseUrl` takes connections; rejects as `signal` says, or with the socket's error. */
export async function ensureReachable(baseUrl: string, signal: AbortSignal): Promise<void> {
  const now = performance.now();
  if ((reachedAt.get(baseUrl) ?? -REMEMBERED_MS) + REMEMBERED_MS > now) return;
  const { hostname, port, protocol } = new URL(baseUrl);
  await tryConnection(hostname, Number(port) || (protocol === "https:" ? 443 : 80), signal);
  reachedAt.set(baseUrl, now);
}

function tryConnection(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: host.replace(/^\[|\]$/g, ""), port });
    const abort = () => finish(signal.reason);
    const finish = (error?: unknown) => {
      socket.destroy();
      signal.removeEventListener("abort", abort);
      if (error === undefined) resolve();
      else reject(error);
    };
    signal.addEventListener("abort", abort);
    socket.on("connect", () => finish());
    socket.on("error", finish);
  });
}
