/** Recordings of real providers, played back as upstreams. They are kept beside the repository, never in it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const TAPES = join(import.meta.dir, "../../../shared/tapes");

export const hasTapes = existsSync(TAPES);
export const NO_TAPES = "no recordings beside the repository (../shared/tapes): nothing to replay";

export type Exchange = {
  readonly step: string;
  readonly request: {
    readonly method: string;
    readonly upstreamPath?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    /** `utf8` or `base64`; others say that there is no body, or none on tape. */
    readonly bodyEncoding?: string;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly bodyEncoding?: string;
  };
};

/** One recorded call, which may be one of several under one id. */
export type Tape = {
  readonly name: string;
  readonly provider: string;
  /** As the provider calls it. */
  readonly model: string;
  readonly exchange: Exchange;
};

/** One call of a client, with all that it asked. */
export type Flow = {
  readonly id: string;
  readonly provider: string;
  /** Missing where the recorder did not keep the request. */
  readonly model: string | null;
  readonly exchanges: readonly Exchange[];
};

export const tasksOf = (provider: string): string[] => readdirSync(join(TAPES, provider)).sort();

/** In the order of their ids. */
export function flowsOf(provider: string, task: string): Flow[] {
  const folder = join(TAPES, provider, task);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return files.sort().map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Flow);
}

/** All calls of a provider under one task, in the order of their ids. */
export function tapesOf(provider: string, task: string): Tape[] {
  return flowsOf(provider, task).flatMap((flow) => {
    const calls = flow.exchanges.filter(({ step }) => step === "inference");
    return calls.map((exchange, place) => ({
      name: `${provider}/${flow.id}${place > 0 ? `/${place + 1}` : ""}`,
      provider,
      model: modelOf(flow, exchange),
      exchange: withoutStray(exchange),
    }));
  });
}

/** One stream ends with a quote too many, which the recorder left there. */
const withoutStray = ({ response, ...rest }: Exchange): Exchange => ({
  ...rest,
  response: { ...response, body: (response.body ?? "").replace(/\}"$/, "}") },
});

/** The same tape with another body. */
export const withBody = (tape: Tape, body: string): Tape => ({
  ...tape,
  exchange: { ...tape.exchange, response: { ...tape.exchange.response, body } },
});

/** In the path where the provider wants it there, else as the flow says. */
function modelOf({ model }: Flow, { request }: Exchange): string {
  const inPath = /^\/models\/(.+?)(\/v1\/chat\/completions)?$/.exec(request.upstreamPath ?? "");
  return inPath?.[1] ?? model ?? "unknown";
}

export const isStream = ({ exchange }: Tape): boolean =>
  (exchange.response.headers["content-type"] ?? "").startsWith("text/event-stream");

/** How a stream's bytes go out. */
export type Cut = "whole" | "odd" | "bytes";

/** The pieces of a body; joined they are the body. */
function piecesOf(body: Uint8Array, cut: Cut): Uint8Array[] {
  if (cut === "whole") return [body];
  const places = cut === "bytes" ? [...body.keys()].slice(1) : oddPlaces(body);
  return [0, ...places].map((from, i) => body.subarray(from, places[i]));
}

/** Inside characters, inside `data:`, between `\r` and `\n`, between the two ends of an event, and here and there. */
function oddPlaces(body: Uint8Array): number[] {
  const places: number[] = [];
  for (let i = 1; i < body.length; i++) {
    const [before = 0, here = 0] = [body[i - 1], body[i]];
    const isInCharacter = (here & 0xc0) === 0x80;
    const isBetweenEnds = here === LF && (before === LF || before === CR);
    const isInName = before === D && here === A;
    if (isInCharacter || isBetweenEnds || isInName || i % 97 === 0) places.push(i);
  }
  return places;
}

const LF = 10;
const CR = 13;
const D = 100;
const A = 97;

/** Headers that belong to the transport of the recording. */
const TRANSPORT = new Set(["content-length", "transfer-encoding", "content-encoding"]);

/** A server that plays whatever tape is in it, and remembers the path it was asked for. */
export function tapePlayer() {
  const state: { tape: Tape | undefined; cut: Cut; path: string } = {
    tape: undefined,
    cut: "whole",
    path: "",
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      await request.text();
      state.path = new URL(request.url).pathname;
      return state.tape ? play(state.tape, state.cut) : new Response(null, { status: 500 });
    },
  });
  return {
    origin: `http://127.0.0.1:${server.port}`,
    insert: (tape: Tape, cut: Cut): void => {
      state.tape = tape;
      state.cut = cut;
    },
    /** Without the first segment, which names the provider. */
    path: () => state.path.replace(/^\/[^/]+/, ""),
    stop: () => server.stop(true),
  };
}

function play({ exchange }: Tape, cut: Cut): Response {
  const { status, headers, body } = exchange.response;
  const kept = Object.entries(headers).filter(([name]) => !TRANSPORT.has(name));
  const bytes = Buffer.from(body);
  const init = { status, headers: Object.fromEntries(kept) };
  return cut === "whole" ? new Response(bytes, init) : new Response(inPieces(bytes, cut), init);
}

/** Bun's direct kind of source: each write goes to the socket before the next one is made. */
type Sink = {
  readonly write: (piece: Uint8Array) => unknown;
  readonly flush: () => unknown;
  readonly end: () => unknown;
};

function inPieces(bytes: Uint8Array, cut: Cut): ReadableStream {
  const source = {
    type: "direct",
    pull: async (sink: Sink) => {
      for (const piece of piecesOf(bytes, cut)) {
        await sink.write(piece);
        await sink.flush();
        await new Promise(setImmediate);
      }
      await sink.end();
    },
  };
  return new ReadableStream(source as unknown as UnderlyingDefaultSource);
}
