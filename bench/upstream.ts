/**
 * The one static upstream of every variant: OpenAI-shaped, on raw sockets so that it is not what is
 * measured. `POST /v1/chat/completions` answers about 600 bytes of JSON, or with `stream: true` 200
 * events 20 ms apart (`max_tokens` lowers the count). `GET /stats` says how many requests came.
 */
import { nowUs } from "./clock.js";
import { HttpReader } from "./http-reader.js";
import {
  EVENT_GAP_MS,
  eventChunk,
  finalChunks,
  jsonAnswer,
  PLAIN_ANSWER,
  STREAM_EVENTS,
  STREAM_HEAD,
  stampEvent,
} from "./upstream-answers.js";

type Stream = {
  readonly peer: Peer;
  readonly isUsageWanted: boolean;
  readonly events: number;
  sent: number;
};

const BODY_WITH_STREAM = /"stream": ?true/;
const STREAM_WORD = Buffer.from('"stream"');
const chunk = eventChunk();
const firstBytes = Buffer.concat([STREAM_HEAD, chunk]);
const finals = new Map<string, Buffer>();
let requests = 0;

/** What is due each millisecond of the 20: a stream keeps the slot it started in. */
const wheel: Stream[][] = Array.from({ length: EVENT_GAP_MS }, () => []);
let lastTickMs = Math.floor(performance.now());

/** One connection: its requests come in, its answers go out, in order. */
class Peer {
  isOpen = true;
  private waiting: Buffer | undefined;
  private head = "";
  private readonly body: Buffer[] = [];
  private readonly socket: Bun.Socket<Peer>;
  readonly reader = new HttpReader({
    onHead: (head) => {
      this.head = head[0] === 80 ? "POST" : head.toString("latin1", 0, 11); // "P": no need for the path
    },
    onBody: (part) => {
      this.body.push(part);
    },
    onEnd: () => this.answer(),
  });

  constructor(socket: Bun.Socket<Peer>) {
    this.socket = socket;
  }

  private answer(): void {
    if (this.head !== "POST") {
      const body = this.head.startsWith("GET /stats") ? JSON.stringify({ requests }) : "{}";
      this.send(jsonAnswer(body));
      return;
    }
    requests++;
    const body = this.body.length === 1 ? this.body[0] : Buffer.concat(this.body);
    this.body.length = 0;
    // Most bodies do not name `stream` at all, and a byte search is cheaper than making a string.
    if (body === undefined || body.indexOf(STREAM_WORD) === -1) this.send(PLAIN_ANSWER);
    else this.answerText(body.toString("latin1"));
  }

  private answerText(body: string): void {
    if (!BODY_WITH_STREAM.test(body)) {
      this.send(PLAIN_ANSWER);
      return;
    }
    const events = Number(/"max_tokens": ?(\d+)/.exec(body)?.[1] ?? STREAM_EVENTS);
    const isUsageWanted = /"include_usage": ?true/.test(body);
    stampEvent(chunk, { index: 0, nowUs: nowUs() });
    chunk.copy(firstBytes, STREAM_HEAD.length);
    this.send(firstBytes);
    wheel[Math.floor(performance.now()) % EVENT_GAP_MS]?.push({
      peer: this,
      isUsageWanted,
      events: Math.min(events, STREAM_EVENTS),
      sent: 1,
    });
  }

  send(bytes: Buffer): void {
    if (this.waiting !== undefined) {
      this.waiting = Buffer.concat([this.waiting, bytes]);
      return;
    }
    const written = this.socket.write(bytes);
    if (written < bytes.length) this.waiting = Buffer.from(bytes.subarray(Math.max(written, 0)));
  }

  drain(): void {
    const bytes = this.waiting;
    this.waiting = undefined;
    if (bytes !== undefined) this.send(bytes);
  }
}

function finalFor(stream: Stream): Buffer {
  const key = `${stream.isUsageWanted} ${stream.events}`;
  const bytes = finals.get(key) ?? finalChunks(stream);
  finals.set(key, bytes);
  return bytes;
}

/** Sends what is due; answers whether the stream goes on. */
function advance(stream: Stream): boolean {
  if (!stream.peer.isOpen) return false;
  if (stream.sent >= stream.events) {
    stream.peer.send(finalFor(stream));
    return false;
  }
  stampEvent(chunk, { index: stream.sent, nowUs: nowUs() });
  stream.peer.send(chunk);
  stream.sent++;
  return true;
}

function tick(): void {
  const now = Math.floor(performance.now());
  // A tick that comes late serves every slot it missed, so no stream loses an event.
  for (let ms = lastTickMs + 1; ms <= now; ms++) {
    const slot = ms % EVENT_GAP_MS;
    const due = wheel[slot] ?? [];
    if (due.length > 0) wheel[slot] = due.filter(advance);
  }
  lastTickMs = now;
}

const server = Bun.listen<Peer>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.setNoDelay(true);
      socket.data = new Peer(socket);
    },
    data: (socket, data) => socket.data.reader.feed(data),
    drain: (socket) => socket.data.drain(),
    close(socket) {
      socket.data.isOpen = false;
    },
    error(_socket, error) {
      console.error(`upstream: ${error.message}`);
    },
  },
});
setInterval(tick, 1);
console.log(JSON.stringify({ port: server.port }));
