import { digitsAt } from "./http-reader.js";
import { STAMP_DIGITS, STAMP_MARK } from "./upstream-answers.js";

const NEWLINE = 10;
const MARK = STAMP_MARK.charCodeAt(0);

export type EventSink = {
  /** One of the upstream's numbered events: its index and when the upstream wrote it, in microseconds. */
  readonly onEvent: (index: number, stampUs: number) => void;
  readonly onUsage: () => void;
  readonly onDone: () => void;
};

/** Reads the upstream's events back out of a server-sent-event body, cut anywhere. */
export class EventScanner {
  private held: Buffer | undefined;
  private readonly sink: EventSink;

  constructor(sink: EventSink) {
    this.sink = sink;
  }

  feed(data: Buffer): void {
    const bytes = this.held === undefined ? data : Buffer.concat([this.held, data]);
    this.held = undefined;
    let at = 0;
    for (;;) {
      const end = eventEnd(bytes, at);
      if (end === -1) break;
      this.readEvent(bytes, at, end);
      at = end + 2;
    }
    if (at < bytes.length) this.held = Buffer.from(bytes.subarray(at));
  }

  /** Searches for single bytes, which is much cheaper than searching for words: this runs once an event. */
  private readEvent(bytes: Buffer, at: number, end: number): void {
    const mark = bytes.indexOf(MARK, at);
    if (mark !== -1 && mark < end) {
      const stampAt = mark + 1;
      this.sink.onEvent(digitsAt(bytes, stampAt + STAMP_DIGITS + 1), digitsAt(bytes, stampAt));
      return;
    }
    const event = bytes.toString("latin1", at, end);
    if (event.includes("data: [DONE]")) this.sink.onDone();
    else if (event.includes('"usage":{')) this.sink.onUsage();
  }
}

/** Where the blank line that ends the event begins, or -1. */
function eventEnd(bytes: Buffer, at: number): number {
  let end = bytes.indexOf(NEWLINE, at);
  while (end !== -1 && bytes[end + 1] !== NEWLINE) end = bytes.indexOf(NEWLINE, end + 1);
  return end;
}
