/** One caller's connection: finds the requests in what comes in, has one after the other served, writes the answers. */
import type { Socket } from "bun";
import { ProtocolError } from "../../gateway/client/body-decoder.js";
import { type Reply, StreamReply, WholeReply } from "../../gateway/reply.js";
import { Outgoing } from "./outgoing.js";
import type { ConnectionParts, Service, Watched } from "./parts.js";
import { Patience, type Wait } from "./patience.js";
import { type Frame, printResponse, printStreamHead, printWhole } from "./print-answer.js";
import { RequestBody } from "./request-body.js";
import { MalformedRequest, RequestHead } from "./request-head.js";
import { ServerRequest } from "./server-request.js";

const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");
const CR = 13;
const LF = 10;
/** Whoever sends more than so much ahead of its answers is served no more of it. */
const EARLY_BYTES_MAX = 256 * 1024;

export class Connection implements Watched {
  private readonly socket: Socket<Connection>;
  private readonly parts: ConnectionParts;
  private readonly out: Outgoing;
  private readonly patience = new Patience();
  /** Of the last request, as the next one's is most likely the same. */
  private head: RequestHead | undefined;
  private request: ServerRequest | undefined;
  private service: Service | undefined;
  /** What came in and is not looked at yet. */
  private early: Buffer | undefined;
  private isPaused = false;
  private isTold = false;
  /** No request is taken any more. */
  private isLast = false;
  private isLeaving = false;
  private isClosed = false;

  constructor(socket: Socket<Connection>, parts: ConnectionParts) {
    this.socket = socket;
    this.parts = parts;
    this.out = new Outgoing(socket);
  }

  receive(bytes: Buffer): void {
    if (this.isLeaving) return;
    const body = this.request?.coming;
    const left = body && !body.isComplete ? this.receiveBody(body, bytes) : bytes;
    if (left.length === 0 || this.isLast) return;
    this.early = this.early ? Buffer.concat([this.early, left]) : left;
    this.proceed();
    if (this.early && this.early.length > EARLY_BYTES_MAX) this.takeNoMore();
  }

  /** What of `bytes` is not the body's. */
  private receiveBody(body: RequestBody, bytes: Buffer): Buffer {
    this.patience.renew();
    try {
      return bytes.subarray(body.push(bytes));
    } catch {
      // Whoever reads the body hears of it; what comes after it cannot be told from a next request.
      this.takeNoMore();
      return NO_BYTES;
    }
  }

  private takeNoMore(): void {
    this.isLast = true;
    this.early = undefined;
  }

  /** On to the next request, once the caller has its last answer: nobody has answers pile up. */
  private proceed(): void {
    if (this.request || this.isLeaving || this.isClosed || !this.out.isEmpty) return;
    if (this.isLast) this.leave();
    else if (this.early) this.next(this.early);
  }

  /** Begins the next request, if its head is there. */
  private next(early: Buffer): void {
    try {
      const bytes = withoutBreaks(early);
      const head = this.head?.again(bytes) ?? RequestHead.read(bytes);
      if (head) this.begin(head, bytes);
      else this.early = bytes.length > 0 ? bytes : undefined;
    } catch (thrown) {
      this.refuse(thrown);
    }
  }

  private begin(head: RequestHead, bytes: Buffer): void {
    this.head = head;
    this.isTold = !head.waitsForContinue;
    this.request = new ServerRequest(head, bytes, this.comingAfter(head, bytes));
    if (!head.keepsAlive) this.takeNoMore();
    this.parts.arrivals.take(this);
  }

  /** The body, unless it came whole with its head, as nearly always. What belongs to the next request stays where it is. */
  private comingAfter(head: RequestHead, bytes: Buffer): RequestBody | undefined {
    const { headBytes, messageBytes, isChunked, length = 0 } = head;
    this.early = undefined;
    if (!isChunked && bytes.length >= messageBytes) {
      if (bytes.length > messageBytes) this.early = bytes.subarray(messageBytes);
      return undefined;
    }
    const body = new RequestBody(isChunked ? "chunked" : length, this);
    if (bytes.length > headBytes) body.push(bytes.subarray(headBytes));
    return body;
  }

  serve(): void {
    if (!this.request) return;
    const service = this.parts.service(this.request);
    this.service = service;
    try {
      const begun = service.begin();
      if (begun instanceof Promise) begun.then(this.ended, this.failed);
      else this.ended(begun);
    } catch (thrown) {
      this.failed(thrown);
    }
  }

  /** One function each for all requests of a connection. */
  private readonly ended = (reply: Reply): void => {
    try {
      if (this.service) this.answer(this.service.ended(reply));
    } catch (thrown) {
      this.giveUp(thrown);
    }
  };
  private readonly failed = (thrown: unknown): void => {
    try {
      if (this.service) this.answer(this.service.failed(thrown));
    } catch (worse) {
      this.giveUp(worse);
    }
  };

  /** Nothing is left to say it with. */
  private giveUp(thrown: unknown): void {
    this.parts.fault(thrown);
    this.breakOff();
  }

  private answer(reply: Reply): void {
    this.isTold = true;
    // What is left of an unread body cannot be told from a next request.
    if (this.request?.coming?.isComplete === false) this.takeNoMore();
    if (this.isClosed) {
      if (reply instanceof StreamReply) void abandon(reply).then(this.finish);
      else this.finish();
    } else if (reply instanceof WholeReply) {
      const { bytes, length } = printWhole(reply, this.frame());
      this.out.write(bytes, length);
      this.finish();
    } else {
      const sent = reply instanceof StreamReply ? this.sendStream(reply) : this.sendResponse(reply);
      sent.then(this.finish, this.breakOff);
    }
  }

  private async sendResponse(response: Response): Promise<void> {
    this.out.write(await printResponse(response, this.frame()));
  }

  private async sendStream(reply: StreamReply): Promise<void> {
    const isChunked = this.head?.isHttp10 === false;
    // Without chunks the end of the connection is the end of the body.
    if (!isChunked) this.takeNoMore();
    const frame = this.frame();
    this.out.write(printStreamHead(reply, frame, isChunked));
    if (frame.isHead) await abandon(reply);
    else await reply.source.run(this.out.sink(isChunked));
  }

  private frame(): Frame {
    const { dateLine } = this.parts.time;
    const isHead = this.head?.method === "HEAD";
    if (this.isLast) return { lines: `${dateLine}connection: close\r\n`, isHead };
    const isHttp10 = this.head?.isHttp10 === true;
    return { lines: isHttp10 ? `${dateLine}connection: keep-alive\r\n` : dateLine, isHead };
  }

  /** The answer is written. */
  private readonly finish = (): void => {
    // Its caller may still be sending: then the answer could be lost to whoever closes at once.
    const isHeard = this.request?.coming?.isComplete !== false;
    this.request = undefined;
    this.service = undefined;
    this.patience.renew();
    if (this.isClosed) this.parts.gone(this);
    else if (this.isLast && isHeard && this.out.isEmpty) this.end();
    else this.proceed();
  };

  /** A body that breaks off must not look whole. */
  private readonly breakOff = (): void => {
    this.request = undefined;
    if (this.isClosed) this.parts.gone(this);
    else this.socket.terminate();
  };

  private refuse(thrown: unknown): void {
    const isKnown = thrown instanceof MalformedRequest;
    if (!isKnown && !(thrown instanceof ProtocolError)) throw thrown;
    const why = isKnown ? thrown : new MalformedRequest("The body breaks the rules of HTTP.");
    this.takeNoMore();
    this.head = undefined;
    const finish = () => this.proceed();
    this.sendResponse(this.parts.refuse(why)).then(finish, finish);
  }

  private end(): void {
    this.isLeaving = true;
    this.socket.end();
  }

  /** All is out, and no more is taken. What still comes in is thrown away, so that the answer can be read. */
  private leave(): void {
    this.isLeaving = true;
    this.resume();
    this.socket.shutdown();
  }

  /** The caller takes more. */
  sendRest(): void {
    this.patience.renew();
    this.out.sendRest();
    this.proceed();
  }

  closed(): void {
    this.isClosed = true;
    this.early = undefined;
    this.out.close();
    if (this.request) this.request.abort();
    else this.parts.gone(this);
  }

  stop(): void {
    this.takeNoMore();
    if (this.isLeaving || (!this.request && this.out.isEmpty)) this.end();
  }

  look(now: number): void {
    const { wait } = this;
    if (!this.patience.isOver(wait, now)) return;
    if (wait === "head") this.refuse(TOO_SLOW);
    else if (wait === "body") this.request?.coming?.fail(TOO_SLOW);
    else if (wait === "taking") this.socket.terminate();
    else this.end();
  }

  private get wait(): Wait | undefined {
    if (this.isLeaving) return "farewell";
    if (!this.out.isEmpty) return "taking";
    if (!this.request) return this.early ? "head" : "request";
    const { coming } = this.request;
    return coming && !coming.isComplete && !this.isPaused ? "body" : undefined;
  }

  wanted(): void {
    if (!this.isTold) this.out.write(CONTINUE);
    this.isTold = true;
  }

  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.socket.resume();
  }
}

const NO_BYTES = Buffer.alloc(0);
const TOO_SLOW = new MalformedRequest("The request did not come in in time.", 408);

/** Who could settle it has heard of the hang-up as well, and says what went wrong. */
const abandon = async ({ source }: StreamReply): Promise<void> => {
  await Promise.resolve(source.abandon()).catch(() => undefined);
};

/** Some callers end what they sent before with a line break too many. */
function withoutBreaks(bytes: Buffer): Buffer {
  let at = 0;
  while (bytes[at] === CR && bytes[at + 1] === LF) at += 2;
  return at === 0 ? bytes : bytes.subarray(at);
}
