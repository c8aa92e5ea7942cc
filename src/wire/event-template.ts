/**
 * Most events of a stream are the one before with another piece of text in it. Such events are recognised as bytes,
 * and need not be read: no string is made of them, and no object.
 */
const SPACE = 32;
const QUOTE = 34;
const BACKSLASH = 92;
/** Learned in vain so often, it stays away: some providers have something new in every event. */
const VAIN_MAX = 8;
const NOTHING = Buffer.alloc(0);

export class EventTemplate {
  private before = NOTHING;
  private after = NOTHING;
  private inVain = 0;

  /** Where the text begins in an event that `textIn` knows. */
  get textAt(): number {
    return this.before.length;
  }

  /** Learns from an event that went to the caller as it was, in Latin-1, and from the text that it added. */
  learn(event: string, output: string): void {
    if (this.inVain >= VAIN_MAX || output === "") return;
    const quoted = `"${output}"`;
    const at = event.indexOf(quoted);
    // Text with an escape in it is not found, and text that stands there twice is not surely this.
    if (at < 0 || event.indexOf(quoted, at + 1) >= 0) return;
    this.before = Buffer.from(event.slice(0, at + 1), "latin1");
    this.after = Buffer.from(event.slice(at + 1 + output.length), "latin1");
    this.inVain++;
  }

  /** How many bytes of text there are in an event like the one learned from; -1 for any other. */
  textIn(event: Buffer): number {
    const { before, after } = this;
    const end = event.length - after.length;
    if (before.length === 0 || end < before.length) return -1;
    for (let at = before.length; at < end; at++) if (!isPlain(event[at] ?? 0)) return -1;
    if (event.compare(before, 0, before.length, 0, before.length) !== 0) return -1;
    if (event.compare(after, 0, after.length, end) !== 0) return -1;
    this.inVain = 0;
    return end - before.length;
  }
}

/** Stands for itself inside a JSON string. */
const isPlain = (byte: number): boolean => byte >= SPACE && byte !== QUOTE && byte !== BACKSLASH;
