/**
 * Splits a byte stream of server-sent events into whole events, whatever way the network cut it. Text is kept
 * as Latin-1 (one character a byte), so that nothing is decoded that only passes through.
 */
import { EVENT_BYTES_MAX } from "../kernel/limits.js";

/** UTF-8's byte order mark, which may stand before a stream's first event and is no part of it. */
const MARK = "\u00ef\u00bb\u00bf";

export class EventSplitter {
  private rest = "";
  private hasBegun = false;
  /** Whether the events of the last push were all of its bytes, and nothing but them. */
  isAligned = true;

  /** Nothing waits for its other half. */
  get isAtStart(): boolean {
    return this.rest === "";
  }

  /** The events completed by these bytes, each with its blank line; throws when one outgrows the limit. */
  push(chunk: Buffer): string[] {
    const hadRest = this.rest !== "";
    const text = this.rest + chunk.toString("latin1");
    const events: string[] = [];
    const begin = !this.hasBegun && text.startsWith(MARK) ? MARK.length : 0;
    this.hasBegun ||= text.length >= MARK.length;
    let start = begin;
    for (let end = endOfEvent(text, start); end > 0; end = endOfEvent(text, start)) {
      events.push(text.slice(start, end));
      start = end;
    }
    this.rest = text.slice(start);
    this.isAligned = !hadRest && this.rest === "" && begin === 0;
    if (this.rest.length > EVENT_BYTES_MAX) {
      throw new RangeError(`an event is longer than ${EVENT_BYTES_MAX} bytes`);
    }
    return events;
  }

  /** What came after the last blank line. Some servers end a stream without one. */
  end(): string {
    const last = this.rest;
    this.rest = "";
    return last;
  }
}

/** Just after the next blank line, or 0. A line ends with LF or CRLF. */
function endOfEvent(text: string, from: number): number {
  let at = text.indexOf("\n", from);
  while (at >= 0) {
    const next = text.charCodeAt(at + 1);
    if (next === LF) return at + 2;
    if (next === CR && text.charCodeAt(at + 2) === LF) return at + 3;
    at = text.indexOf("\n", at + 1);
  }
  return 0;
}

const LF = 10;
const CR = 13;

/** The payload of an event: its `data` lines joined. Empty for comments and other fields. */
export function dataOf(event: string): string {
  if (event.startsWith("data: ") && event.indexOf("\n") >= event.length - 2) {
    return event.slice(6).trimEnd();
  }
  return event
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(line.startsWith("data: ") ? 6 : 5))
    .join("\n");
}

/** One event around a payload. */
export const eventOf = (data: string): string => `data: ${data}\n\n`;

export const latin1Bytes = (text: string): Buffer => Buffer.from(text, "latin1");
export const latin1Text = (bytes: Buffer): string => bytes.toString("latin1");

/** Latin-1 text as the UTF-8 it stands for. */
export const utf8Of = (text: string): string => Buffer.from(text, "latin1").toString("utf8");

/** UTF-8 text in the Latin-1 form of this file. */
export const latin1Of = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
