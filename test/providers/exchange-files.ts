/**
 * The files of `test/exchanges` for tasks other than chat, and how they are written. Media are base64 text in them.
 * A job that is waited for has its later requests and replies under `polls`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  Provider,
  ProviderRequest,
  RequestBody,
  TaskAdapter,
} from "../../src/providers/provider.js";
import { TASKS, type Task } from "../../src/tasks/index.js";
import type { Media } from "../../src/tasks/media.js";
import type { Json } from "../../src/tasks/task-call.js";

export type OtherTask = Exclude<Task, "conversational">;

export type WrittenMedia = { readonly type: string; readonly base64: string };
export type WrittenField =
  | { readonly name: string; readonly text: string }
  | ({ readonly name: string; readonly fileName: string } & WrittenMedia);

/** At most one of `body` (JSON), `bytes` and `form`. */
export type WrittenRequest = {
  readonly method: ProviderRequest["method"];
  readonly path: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly bytes?: WrittenMedia;
  readonly form?: readonly WrittenField[];
};

/** `body` is JSON, or text where `type` says so; or `base64`. */
export type WrittenReply = {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly base64?: string;
};

/** `fetched` stands for the media that were downloaded before `json` could be written. */
export type WrittenOutput = {
  readonly json?: unknown;
  readonly media?: readonly (WrittenMedia | { readonly url: string })[];
  readonly fetched?: readonly WrittenMedia[];
};

export type TaskExchange = {
  readonly name: string;
  readonly provider: string;
  readonly task: OtherTask;
  readonly source: {
    readonly kind: "documented" | "invented";
    readonly where: string;
    readonly read: string;
  };
  readonly input: {
    /** As the provider calls it. */
    readonly model: string;
    /** As the Hub calls it, where that matters. */
    readonly modelId?: string;
    readonly loraWeights?: string;
    readonly inputs?: unknown;
    readonly media?: WrittenMedia;
    readonly parameters?: Json;
    readonly extra?: Json;
  };
  readonly sent?: WrittenRequest;
  readonly reply?: WrittenReply;
  readonly polls?: readonly {
    readonly afterMs: number;
    readonly job: string;
    readonly sent: WrittenRequest;
    readonly reply: WrittenReply;
  }[];
  /** What it comes to: exactly one of these four. */
  readonly output?: WrittenOutput;
  readonly failed?: string;
  readonly malformed?: string;
  readonly refused?: { readonly code: string; readonly message: string };
  readonly usage?: {
    readonly input?: number;
    readonly output?: number;
    readonly cachedInput?: number;
    readonly measured?: Readonly<Record<string, number>>;
  };
  /** What the provider says it cost, with bigints as text. */
  readonly reported?: Json;
};

export const EXCHANGES = join(import.meta.dir, "../exchanges");
/** The longest first, so that `image-to-image` is not read as something shorter. */
const BY_LENGTH = TASKS.filter((task): task is OtherTask => task !== "conversational").sort(
  (a, b) => b.length - a.length,
);

export const taskExchanges = (): TaskExchange[] =>
  readdirSync(EXCHANGES).flatMap((provider) =>
    readdirSync(join(EXCHANGES, provider))
      .filter((file) => !file.startsWith("chat-completion-"))
      .map((file) => readExchange(provider, file)),
  );

function readExchange(provider: string, file: string): TaskExchange {
  const task = BY_LENGTH.find((one) => file.startsWith(`${one}-`));
  if (!task) throw new Error(`${provider}/${file} begins with the name of no task`);
  const written = JSON.parse(readFileSync(join(EXCHANGES, provider, file), "utf8")) as TaskExchange;
  return { ...written, name: `${provider}/${file.replace(/\.json$/, "")}`, provider, task };
}

export const mediaOf = ({ type, base64 }: WrittenMedia): Media => ({
  type,
  bytes: new Uint8Array(Buffer.from(base64, "base64")),
});

export const writtenMedia = ({ type, bytes }: Media): WrittenMedia => ({
  type,
  base64: Buffer.from(bytes).toString("base64"),
});

/** A request as an exchange would have it. */
export const writtenRequest = (request: ProviderRequest): WrittenRequest => ({
  method: request.method,
  path: request.path,
  ...(request.host !== undefined && { host: request.host }),
  ...(request.headers && { headers: request.headers }),
  ...(request.body && writtenBody(request.body)),
});

function writtenBody(body: RequestBody): Partial<WrittenRequest> {
  if (body.kind === "json") return { body: JSON.parse(JSON.stringify(body.json)) };
  if (body.kind === "bytes") return { bytes: writtenMedia(body.media) };
  return {
    form: body.fields.map((field) =>
      "text" in field
        ? field
        : { name: field.name, fileName: field.fileName, ...writtenMedia(field.media) },
    ),
  };
}

export function taskAdapter({ id, tasks }: Provider, task: OtherTask): TaskAdapter {
  const adapter = tasks[task];
  if (!adapter) throw new Error(`${id} has no ${task}`);
  return adapter;
}
