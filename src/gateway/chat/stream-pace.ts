/** Watches that a stream does not trickle: it may keep every gap short, and still never get anywhere. */
import type { Clock } from "../../kernel/clock.js";
import { type Limits, SLOW_STREAM_WINDOW_MS } from "../../kernel/limits.js";
import type { StreamMeter } from "./stream-meter.js";

/** Why a stream was given up that brought too little. */
export class SlowStreamError extends Error {
  constructor(bytes: number, ms: number) {
    super(`the stream brought only ${bytes} bytes of text in ${Math.round(ms)} ms`);
    this.name = "SlowStreamError";
  }
}

export class StreamPace {
  private readonly clock: Clock;
  private readonly meter: StreamMeter;
  private readonly bytesPerSecond: number;
  private sinceMs = 0;
  private sinceBytes = 0;

  constructor(clock: Clock, meter: StreamMeter, { slowStreamBytesPerSecond }: Limits) {
    this.clock = clock;
    this.meter = meter;
    this.bytesPerSecond = slowStreamBytesPerSecond;
  }

  /** From now on it is the provider that is waited for; what was waited for before is not its doing. */
  begin(): void {
    if (this.bytesPerSecond === 0) return;
    this.sinceMs = this.clock.elapsed();
    this.sinceBytes = this.meter.bytes;
  }

  /** Something arrived. Throws SlowStreamError at the end of a window that brought too little text. */
  check(): void {
    // Who has not said a word may be thinking.
    if (this.bytesPerSecond === 0 || this.meter.isEmpty) return;
    const ms = this.clock.elapsed() - this.sinceMs;
    if (ms < SLOW_STREAM_WINDOW_MS) return;
    const bytes = this.meter.bytes - this.sinceBytes;
    if (bytes * 1_000 < this.bytesPerSecond * ms) throw new SlowStreamError(bytes, ms);
    this.begin();
  }
}
