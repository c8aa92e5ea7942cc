/** The one address of the embedded provider: speaks hf-inference's wire, and hands each request to its engine. */
import { randomUUID, timingSafeEqual } from "node:crypto";
import { type Log, reasonOf } from "../kernel/log.js";
import type { Bytes, Call } from "./call.js";
import type { EngineRequest } from "./engine-process.js";
import type { EmbeddedModel, EmbeddedTask } from "./models.js";
import { badInput, Refusal, refusalResponse, tooLarge } from "./refusal.js";
import type { Reply } from "./reply.js";
import { parseRoute, type Route } from "./route.js";

export type DoorParts = {
  readonly key: string;
  readonly bodyBytesMax: number;
  /** Undefined: there is none of this name. Throws a Refusal where it cannot run. */
  readonly find: (id: string) => EmbeddedModel | undefined;
  readonly answer: (request: EngineRequest, signal: AbortSignal) => Promise<Reply>;
  readonly log: Log;
};

/** Longer bodies are counted and refused in words; beyond this Bun refuses them itself. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024 * 1024;

export const openDoor = (parts: DoorParts) =>
  Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    maxRequestBodySize: UNREAD_BYTES_MAX,
    fetch: async (request) => {
      const id = randomUUID();
      const response = await respond(parts, request).catch((thrown) => failure(parts, thrown));
      response.headers.set("x-inference-id", id);
      response.headers.set("x-compute-type", "cpu");
      return response;
    },
  });

async function respond(parts: DoorParts, request: Request): Promise<Response> {
  requireKey(request, parts.key);
  const route = parseRoute(new URL(request.url).pathname);
  if (!route || request.method !== "POST") throw new Refusal(404, "Not Found");
  const model = parts.find(route.modelId);
  if (!model) throw new Refusal(404, `Model ${route.modelId} does not exist`);
  const call: Call = { model, task: taskOf(model, route), form: route.form };
  const asked: EngineRequest = {
    call,
    body: await readBody(request, parts.bodyBytesMax),
    contentType: request.headers.get("content-type") ?? undefined,
    accept: request.headers.get("accept") ?? undefined,
  };
  const { status, headers, body } = await parts.answer(asked, request.signal);
  return new Response(body, { status, headers });
}

function requireKey(request: Request, key: string): void {
  const given = Buffer.from(request.headers.get("authorization") ?? "");
  const wanted = Buffer.from(`Bearer ${key}`);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw new Refusal(401, "Invalid username or password.", {
    "www-authenticate": 'Bearer realm="Authentication required", charset="UTF-8"',
  });
}

const TASK_OF_FORM = { chat: "conversational", completions: "text-generation" } as const;

function taskOf(model: EmbeddedModel, { form, task }: Route): EmbeddedTask {
  // The plain route of a model that chats is the one of text generation.
  const plain = model.tasks[0] === "conversational" ? "text-generation" : model.tasks[0];
  const wanted = form === "task" ? (task ?? plain) : TASK_OF_FORM[form];
  if (model.tasks.includes(wanted)) return wanted;
  throw badInput(`Model ${model.id} does ${model.tasks.join(", ")}, but not ${wanted}.`);
}

async function readBody(request: Request, bytesMax: number): Promise<Bytes> {
  const length = Number(request.headers.get("content-length") ?? 0);
  if (length > bytesMax) throw tooLarge(bytesMax);
  if (!request.body) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request.body as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function failure({ log }: DoorParts, thrown: unknown): Response {
  if (thrown instanceof Refusal) return refusalResponse(thrown);
  const isGone = thrown instanceof Error && thrown.name === "AbortError";
  if (!isGone) log("error", "embedded_failed", { reason: reasonOf(thrown) });
  return refusalResponse(new Refusal(500, "The embedded provider failed."));
}
