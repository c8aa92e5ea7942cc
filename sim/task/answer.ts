import type { Event } from "../chat/sse.js";
import type { Failure } from "../failure.js";
import type { Json } from "../json.js";
import type { Units } from "../units.js";

/** What a task's body is made of; `events` is a stream of server-sent events. */
export type Content =
  | { readonly json: Json }
  | { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string }
  | { readonly text: string; readonly type?: string }
  | { readonly events: readonly Event[] };

export type Given = {
  /** 200 when absent. */
  readonly status?: number;
  readonly headers?: { readonly [name: string]: string };
  readonly body: Content;
  /** What was delivered; the price list makes a cost of it unless `cost` says another. */
  readonly units?: Units;
  readonly cost?: bigint;
  /** The model where the request does not say it in the usual places. */
  readonly model?: string;
  /** The task where one path serves several. */
  readonly task?: string;
  /** False where nothing was delivered yet or anew: a submitted job (it logs its own end), a poll. */
  readonly logged?: boolean;
};

/** The provider's own refusal, as for chat. */
export type Refused = {
  readonly refused: Failure;
  readonly model?: string;
  readonly task?: string;
};

export type TaskAnswer = Given | Refused;

type Rest = Omit<Given, "body">;

export const json = (body: Json, rest: Rest = {}): Given => ({ body: { json: body }, ...rest });

export const bytes = (made: Uint8Array<ArrayBuffer>, type: string, rest: Rest = {}): Given => ({
  body: { bytes: made, type },
  ...rest,
});

/** An answer that delivers nothing: a job taken, a poll. */
export const unlogged = (body: Json, rest: Rest = {}): Given =>
  json(body, { logged: false, ...rest });

/** `about` names the field. */
export const badRequest = (about: string, message: string): Refused => ({
  refused: { kind: "bad_request", about, message },
});
