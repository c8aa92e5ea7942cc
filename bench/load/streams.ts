import { nowUs } from "../clock.js";
import { EventScanner } from "../event-scanner.js";
import { HttpReader } from "../http-reader.js";
import { Samples } from "../measure/statistics.js";
import { STREAM_EVENTS } from "../upstream-answers.js";
import {
  ErrorList,
  isOk,
  requestBytes,
  type StreamsResult,
  type StreamsSpec,
  type Window,
} from "./spec.js";

/**
 * Opens streams evenly over the ramp, so that their 20 ms beats do not fall together, and reads each
 * to its end: every numbered event in order, the usage, [DONE], and the end of the body.
 */
export async function runStreams(spec: StreamsSpec): Promise<StreamsResult> {
  const run = new StreamRun(spec);
  const fromMs = Date.now();
  const opened: Promise<unknown>[] = [];
  while (opened.length < spec.streams) {
    const due = Math.ceil(((Date.now() - fromMs + 1) / spec.rampMs) * spec.streams);
    while (opened.length < Math.min(due, spec.streams)) opened.push(run.open());
    await Bun.sleep(1);
  }
  const limit = Bun.sleep(spec.limitMs);
  await Promise.race([Promise.all(opened).then(() => run.finished), limit]);
  return run.result({ fromMs, toMs: Date.now() });
}

class StreamRun {
  readonly finished: Promise<void>;
  private readonly spec: StreamsSpec;
  private readonly request: Buffer;
  private readonly errors = new ErrorList();
  private readonly delayUs = new Samples();
  private readonly firstEventUs = new Samples();
  private events = 0;
  private started = 0;
  private ended = 0;
  private complete = 0;
  private openPeak = 0;
  private allOpenMs: number | undefined;
  private firstEndMs: number | undefined;
  private finish: () => void = () => {};

  constructor(spec: StreamsSpec) {
    this.spec = spec;
    this.request = requestBytes(spec.target, true);
    this.finished = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  async open(): Promise<void> {
    try {
      await Bun.connect<Stream>({
        hostname: "127.0.0.1",
        port: this.spec.target.port,
        socket: {
          open: (socket) => {
            socket.setNoDelay(true);
            socket.data = new Stream(this, socket);
            socket.write(this.request);
          },
          data: (socket, data) => socket.data.read(data),
          close: (socket) => socket.data.close(),
          error: (_socket, error) => this.errors.add(error.message),
        },
      });
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
  }

  sawEvent(event: {
    readonly stampUs: number;
    readonly startUs: number;
    readonly isFirst: boolean;
  }): void {
    const now = nowUs();
    this.events++;
    this.delayUs.add(now - event.stampUs);
    if (!event.isFirst) return;
    this.firstEventUs.add(now - event.startUs);
    this.started++;
    this.openPeak = Math.max(this.openPeak, this.started - this.ended);
    if (this.started === this.spec.streams) this.allOpenMs = Date.now();
  }

  /** Called once a stream: with undefined when it was whole, else with what is wrong with it. */
  end(problem: string | undefined): void {
    this.firstEndMs ??= Date.now();
    this.ended++;
    if (problem === undefined) this.complete++;
    else this.errors.add(problem);
    if (this.ended === this.spec.streams) this.finish();
  }

  result(whole: Window): StreamsResult {
    const missing = this.spec.streams - this.ended;
    if (missing > 0)
      this.errors.add(`${missing} streams had not ended after ${this.spec.limitMs} ms`);
    const { allOpenMs: fromMs, firstEndMs: toMs } = this;
    const isTogether = fromMs !== undefined && toMs !== undefined && fromMs < toMs;
    return {
      answers: this.complete,
      errors: this.errors.list(),
      events: this.events,
      openPeak: this.openPeak,
      delayUs: this.delayUs.percentiles(),
      firstEventUs: this.firstEventUs.percentiles(),
      allOpen: isTogether ? { fromMs, toMs } : undefined,
      whole,
    };
  }
}

class Stream {
  private readonly startUs = nowUs();
  private next = 0;
  private isOk = false;
  private isInOrder = true;
  private hasUsage = false;
  private isDone = false;
  private isEnded = false;
  private readonly run: StreamRun;
  private readonly socket: Bun.Socket<Stream>;
  private readonly scanner = new EventScanner({
    onEvent: (index, stampUs) => {
      if (index !== this.next) this.isInOrder = false;
      this.run.sawEvent({ stampUs, startUs: this.startUs, isFirst: this.next === 0 });
      this.next++;
    },
    onUsage: () => {
      this.hasUsage = true;
    },
    onDone: () => {
      this.isDone = true;
    },
  });
  private readonly reader = new HttpReader({
    onHead: (head) => {
      this.isOk = isOk(head);
    },
    onBody: (part) => this.scanner.feed(part),
    onEnd: () => {
      this.end(this.problem());
      this.socket.end();
    },
  });

  constructor(run: StreamRun, socket: Bun.Socket<Stream>) {
    this.run = run;
    this.socket = socket;
  }

  read(data: Buffer): void {
    try {
      this.reader.feed(data);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
      this.socket.end();
    }
  }

  close(): void {
    this.end("the connection closed before the end of the stream");
  }

  private end(problem: string | undefined): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.run.end(problem);
  }

  private problem(): string | undefined {
    if (!this.isOk) return "a status other than 200";
    if (this.next !== STREAM_EVENTS) return `a stream of ${this.next} events`;
    if (!this.isInOrder) return "events out of order";
    if (!this.hasUsage) return "a stream without usage";
    return this.isDone ? undefined : "a stream without [DONE]";
  }
}
