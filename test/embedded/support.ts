/** The embedded provider with its real engines, asked over HTTP as the gateway asks it. */
import { type Embedded, type EmbeddedOptions, startEmbedded } from "../../src/embedded/embedded.js";
import { noLog } from "../../src/kernel/log.js";
import { tempFolder } from "../support/app.js";

export type Asked = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly json: () => unknown;
};

export type EmbeddedUnderTest = Embedded & {
  readonly ask: (path: string, body: unknown, options?: AskOptions) => Promise<Asked>;
  readonly end: () => Promise<void>;
};

export type AskOptions = {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

/** Bytes go out as they are, anything else as JSON. */
export function embeddedUnderTest(options: Partial<EmbeddedOptions> = {}): EmbeddedUnderTest {
  const folder = tempFolder();
  const embedded = startEmbedded({ folder: folder.path, log: noLog, ...options });
  return {
    ...embedded,
    ask: (path, body, more = {}) => ask(embedded, path, body, more),
    end: async () => {
      await embedded.stop();
      folder.remove();
    },
  };
}

async function ask(
  { origin, key }: Embedded,
  path: string,
  body: unknown,
  more: AskOptions,
): Promise<Asked> {
  const isFile = body instanceof Uint8Array;
  const response = await fetch(`${origin}${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${key}`,
      ...(!isFile && { "content-type": "application/json" }),
      ...more.headers,
    },
    body: isFile ? Buffer.from(body) : typeof body === "string" ? body : JSON.stringify(body),
    ...(more.signal && { signal: more.signal }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    json: () => JSON.parse(bytes.toString("utf8")),
  };
}
