/** One running engine: a process of its own, spoken to over the loopback interface. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Subprocess, spawn } from "bun";
import { type Bytes, CALL_HEADER, type Call, printCall } from "./call.js";
import type { EmbeddedLimits } from "./limits.js";
import type { EngineName } from "./models.js";

export type EngineRequest = {
  readonly call: Call;
  readonly body: Bytes;
  /** Of the caller's headers. */
  readonly contentType: string | undefined;
  readonly accept: string | undefined;
};

export type EngineProcess = {
  readonly pid: number;
  readonly isAlive: () => boolean;
  readonly ask: (request: EngineRequest, signal: AbortSignal) => Promise<Response>;
  readonly kill: () => Promise<void>;
};

const MAIN = join(import.meta.dir, "engine", "main.ts");

/** Of our own environment an engine gets what a program needs to run, and none of the keys. */
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "TEMP", "LANG", "SystemRoot"];

/** Resolves when it listens. Throws where it ended before that, or took too long. */
export async function startEngine(
  name: EngineName,
  limits: EmbeddedLimits,
): Promise<EngineProcess> {
  const secret = randomBytes(24).toString("hex");
  const { promise: port, resolve } = Promise.withResolvers<number>();
  const child = spawn([process.execPath, MAIN, name], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...environment(),
      EMBEDDED_SECRET: secret,
      EMBEDDED_BODY_BYTES_MAX: String(limits.bodyBytesMax),
    },
    ipc: (message: { readonly port: number }) => resolve(message.port),
  });
  // Whoever is otherwise done need not wait for an idle engine.
  child.unref();
  const origin = `http://127.0.0.1:${await portOf(child, port, limits.startMs)}`;
  return {
    pid: child.pid,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    ask: (request, signal) => ask(origin, secret, request, signal),
    kill: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

const environment = (): Record<string, string> =>
  Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

async function portOf(child: Subprocess, port: Promise<number>, startMs: number): Promise<number> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("it did not listen in time")), startMs);
  const ended = child.exited.then((code) => {
    throw new Error(`it ended at its start with code ${code}`);
  });
  try {
    return await Promise.race([port, ended, late.promise]);
  } catch (thrown) {
    child.kill("SIGKILL");
    throw thrown;
  } finally {
    clearTimeout(timer);
    // An engine that ends later, after it has told its port, is somebody else's to notice.
    ended.catch(() => {});
  }
}

const ask = (
  origin: string,
  secret: string,
  request: EngineRequest,
  signal: AbortSignal,
): Promise<Response> =>
  fetch(origin, {
    method: "POST",
    headers: {
      authorization: `Bearer ${secret}`,
      [CALL_HEADER]: printCall(request.call),
      ...(request.contentType !== undefined && { "content-type": request.contentType }),
      ...(request.accept !== undefined && { accept: request.accept }),
    },
    body: request.body,
    signal,
    keepalive: true,
  });
