/** Status line and headers of an HTTP/1.1 answer, looked up where they stand. */

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})/;

export class ResponseHead {
  readonly status: number;
  private readonly text: string;
  private readonly lower: string;

  private constructor(status: number, text: string) {
    this.status = status;
    this.text = text;
    this.lower = text.toLowerCase();
  }

  /** `text` ends before the blank line. Undefined when it is no HTTP/1 answer. */
  static parse(text: string): ResponseHead | undefined {
    const status = STATUS_LINE.exec(text)?.[1];
    return status === undefined ? undefined : new ResponseHead(Number(status), text);
  }

  /** `name` in lower case. The first one counts where a header is given twice. */
  get(name: string): string | undefined {
    const line = this.lower.indexOf(needleFor(name));
    if (line < 0) return undefined;
    const start = line + name.length + 3;
    const end = this.text.indexOf("\r\n", start);
    return this.text.slice(start, end < 0 ? undefined : end).trim();
  }

  /** Whether a look at all of it in lower case finds something: to pass over answers that need no closer look. */
  passes(look: (lower: string) => boolean): boolean {
    return look(this.lower);
  }

  /** Every header in the order of the answer, its name in lower case. */
  entries(): readonly (readonly [name: string, value: string])[] {
    return this.text
      .split("\r\n")
      .slice(1)
      .flatMap((line) => {
        const colon = line.indexOf(":");
        if (colon <= 0) return [];
        return [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const];
      });
  }
}

/** Few names are ever asked for, and each of them for every answer. */
const needles = new Map<string, string>();

function needleFor(name: string): string {
  let needle = needles.get(name);
  if (needle === undefined) {
    needle = `\r\n${name}:`;
    needles.set(name, needle);
  }
  return needle;
}
