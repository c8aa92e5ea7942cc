import { HttpReader } from "../http-reader.js";
import { Samples } from "../measure/statistics.js";
import {
  type ClosedLoopResult,
  type ClosedLoopSpec,
  ErrorList,
  isOk,
  requestBytes,
} from "./spec.js";

const drainMsMax = 10_000;

type Phase = "warmup" | "measure" | "stop";

/**
 * N connections, each sending its next request as soon as it has its answer. Stops by letting every
 * open request finish, so what was sent equals what was answered and the upstream's count must agree.
 */
export async function runClosedLoop(spec: ClosedLoopSpec): Promise<ClosedLoopResult> {
  const run = new ClosedLoop(spec);
  await run.connect();
  await Bun.sleep(spec.warmupMs);
  const fromMs = run.enter("measure");
  await Bun.sleep(spec.durationMs);
  const toMs = run.enter("stop");
  await Promise.race([run.finished, Bun.sleep(drainMsMax)]);
  return run.result({ fromMs, toMs });
}

class ClosedLoop {
  readonly finished: Promise<void>;
  private readonly spec: ClosedLoopSpec;
  private readonly request: Buffer;
  private readonly errors = new ErrorList();
  private readonly latencyUs = new Samples();
  private phase: Phase = "warmup";
  private answers = 0;
  private measured = 0;
  private open = 0;
  private finish: () => void = () => {};

  constructor(spec: ClosedLoopSpec) {
    this.spec = spec;
    this.request = requestBytes(spec.target, false);
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  async connect(): Promise<void> {
    const connections = Array.from({ length: this.spec.connections }, () =>
      Bun.connect<Connection>({
        hostname: "127.0.0.1",
        port: this.spec.target.port,
        socket: {
          open: (socket) => {
            socket.setNoDelay(true);
            socket.data = new Connection(this, socket);
            this.open++;
            socket.data.send();
          },
          data: (socket, data) => socket.data.read(data),
          close: (socket) => {
            if (socket.data.isWaiting) this.errors.add("the connection closed before the answer");
            if (--this.open === 0) this.finish();
          },
          error: (_socket, error) => this.errors.add(error.message),
        },
      }),
    );
    await Promise.all(connections);
  }

  enter(phase: Phase): number {
    this.phase = phase;
    return Date.now();
  }

  sendTo(socket: Bun.Socket<Connection>): boolean {
    if (this.phase === "stop") {
      socket.end();
      return false;
    }
    if (socket.write(this.request) !== this.request.length) this.errors.add("a short write");
    return true;
  }

  answered(answer: {
    readonly isOk: boolean;
    readonly bytes: number;
    readonly tookMs: number;
  }): void {
    this.answers++;
    if (!answer.isOk) this.errors.add("a status other than 200");
    else if (answer.bytes !== this.spec.bodyBytes) {
      this.errors.add(`a body of ${answer.bytes} bytes, expected ${this.spec.bodyBytes}`);
    }
    if (this.phase !== "measure") return;
    this.measured++;
    this.latencyUs.add(answer.tookMs * 1000);
  }

  failed(error: unknown): void {
    this.errors.add(error instanceof Error ? error.message : String(error));
  }

  result(window: { readonly fromMs: number; readonly toMs: number }): ClosedLoopResult {
    if (this.open > 0) this.errors.add(`${this.open} requests were never answered`);
    return {
      answers: this.answers,
      errors: this.errors.list(),
      requestsPerSecond: (this.measured * 1000) / (window.toMs - window.fromMs),
      latencyUs: this.latencyUs.percentiles(),
      window,
    };
  }
}

class Connection {
  isWaiting = false;
  private startMs = 0;
  private isOk = false;
  private bytes = 0;
  private readonly run: ClosedLoop;
  private readonly socket: Bun.Socket<Connection>;
  private readonly reader = new HttpReader({
    onHead: (head) => {
      this.isOk = isOk(head);
      this.bytes = 0;
    },
    onBody: (part) => {
      this.bytes += part.length;
    },
    onEnd: () => {
      this.isWaiting = false;
      const tookMs = performance.now() - this.startMs;
      this.run.answered({ isOk: this.isOk, bytes: this.bytes, tookMs });
      this.send();
    },
  });

  constructor(run: ClosedLoop, socket: Bun.Socket<Connection>) {
    this.run = run;
    this.socket = socket;
  }

  send(): void {
    this.startMs = performance.now();
    this.isWaiting = this.run.sendTo(this.socket);
  }

  read(data: Buffer): void {
    try {
      this.reader.feed(data);
    } catch (error) {
      this.run.failed(error);
      this.socket.end();
    }
  }
}
