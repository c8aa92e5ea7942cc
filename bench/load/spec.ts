import type { Percentiles } from "../measure/statistics.js";

/** What the generator process is told (JSON, its one argument) and what it prints back (JSON, one line). */
export type Target = {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
};

export type ClosedLoopSpec = {
  readonly mode: "closed-loop";
  readonly target: Target;
  readonly connections: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Length every body must have, as a verified probe had it. */
  readonly bodyBytes: number;
};

export type StreamsSpec = {
  readonly mode: "streams";
  readonly target: Target;
  readonly streams: number;
  readonly rampMs: number;
  readonly limitMs: number;
};

export type LoadSpec = ClosedLoopSpec | StreamsSpec;

/** A stretch of wall-clock time, in milliseconds since 1970, for lining up with samples taken outside. */
export type Window = { readonly fromMs: number; readonly toMs: number };

export type ClosedLoopResult = {
  readonly answers: number;
  readonly errors: readonly string[];
  readonly requestsPerSecond: number;
  readonly latencyUs: Percentiles;
  readonly window: Window;
};

export type StreamsResult = {
  readonly answers: number;
  readonly errors: readonly string[];
  readonly events: number;
  readonly openPeak: number;
  readonly delayUs: Percentiles;
  readonly firstEventUs: Percentiles;
  /** While every stream was open, from the last one's first event to the first one's end. */
  readonly allOpen: Window | undefined;
  readonly whole: Window;
};

const question =
  "Explain what a turnpike road was, who paid for it, who kept it in repair, and how a toll was set. ";

/** A chat request of about 1 KB. */
export function requestBody(target: Target, isStream: boolean): string {
  const messages = [
    { role: "system", content: "You are a patient historian of roads. Answer in plain words." },
    { role: "user", content: question.repeat(8).trim() },
  ];
  const stream = isStream ? { stream: true, stream_options: { include_usage: true } } : {};
  return JSON.stringify({ model: target.model, messages, temperature: 0.2, ...stream });
}

export function requestBytes(target: Target, isStream: boolean): Buffer {
  const body = requestBody(target, isStream);
  const headers = {
    Host: `127.0.0.1:${target.port}`,
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    ...target.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${target.path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}

const errorsKeptMax = 5;

/** Counts every error, keeps the first few in words. */
export class ErrorList {
  private count = 0;
  private readonly kept: string[] = [];

  add(what: string): void {
    this.count++;
    if (this.kept.length < errorsKeptMax && !this.kept.includes(what)) this.kept.push(what);
  }

  list(): readonly string[] {
    if (this.count <= this.kept.length) return this.kept;
    return [...this.kept, `${this.count} errors in all`];
  }
}

/** The status of an answer's head, as `HTTP/1.1 200 OK`. */
export const isOk = (head: Buffer): boolean => head[9] === 50 && head[10] === 48 && head[11] === 48;
