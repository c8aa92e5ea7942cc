/** What connections are handed. */
import type { Reply } from "../../gateway/reply.js";
import type { Arrivals } from "./arrivals.js";
import type { MalformedRequest } from "./request-head.js";
import type { ServerRequest } from "./server-request.js";

/** Set anew every second. */
export type Time = { dateLine: string };

/** How one request is served. */
export type Service = {
  /** Throws, or rejects, for what `failed` makes an answer of. */
  readonly begin: () => Promise<Reply> | Reply;
  readonly ended: (reply: Reply) => Reply;
  readonly failed: (thrown: unknown) => Reply;
};

/** A connection, as the server looks after it. */
export type Watched = {
  /** Ends what takes too long. */
  readonly look: (now: number) => void;
  /** Ends it when the request under way is over and answered; at once where there is none. */
  readonly stop: () => void;
};

export type ConnectionParts = {
  readonly time: Time;
  readonly arrivals: Arrivals;
  readonly service: (request: ServerRequest) => Service;
  /** A connection is closed, and nothing of it is under way any more. */
  readonly gone: (connection: Watched) => void;
  /** Hears of answers that could not be written. */
  readonly fault: (thrown: unknown) => void;
  /** The answer to what is no request. */
  readonly refuse: (why: MalformedRequest) => Response;
};
