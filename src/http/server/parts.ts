/** What connections are handed. */
import type { Reply } from "../../gateway/reply.js";
import type { Arrivals } from "./arrivals.js";
import type { MalformedRequest } from "./request-head.js";
import type { ServerRequest } from "./server-request.js";

/** Set anew every second: nothing about a connection needs to be known any closer. */
export type Time = { elapsed: number; dateLine: string };

/** How one request is served. */
export type Service = {
  /** Throws, or rejects, for what `failed` makes an answer of. */
  readonly begin: () => Promise<Reply> | Reply;
  readonly ended: (reply: Reply) => Reply;
  readonly failed: (thrown: unknown) => Reply;
};

export type ConnectionParts = {
  readonly time: Time;
  readonly arrivals: Arrivals;
  readonly service: (request: ServerRequest) => Service;
  /** Hears of answers that could not be written. */
  readonly fault: (thrown: unknown) => void;
  /** The answer to what is no request. */
  readonly refuse: (why: MalformedRequest) => Response;
};
