/** The HTTP side of an engine's process. Only the door knows its secret. */
import { CALL_HEADER, type Call, parseCall, RSS_HEADER } from "../call.js";
import { MODELS_IN_MEMORY_MAX } from "../limits.js";
import { Refusal, refusalResponse } from "../refusal.js";
import type { Answer, Engine } from "./engine.js";
import { eventStream } from "./event-stream.js";
import { logFailure } from "./failure.js";
import { readInput } from "./input.js";
import { ModelCache } from "./model-cache.js";
import { oneAtATime } from "./one-at-a-time.js";

/** Listens on a free port of the loopback interface, and returns it. */
export function serveEngine(engine: Engine, secret: string, bodyBytesMax: number): number {
  const models = new ModelCache(engine, MODELS_IN_MEMORY_MAX);
  const inTurn = oneAtATime();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    // A long piece of work is silent; the door is who limits it.
    idleTimeout: 0,
    maxRequestBodySize: bodyBytesMax,
    fetch: async (request) => {
      if (request.headers.get("authorization") !== `Bearer ${secret}`)
        return new Response(null, { status: 401 });
      const body = new Uint8Array(await request.arrayBuffer());
      return await answerInTurn({ models, inTurn }, request, body).catch((thrown) =>
        failure(thrown, request.signal),
      );
    },
  });
  return server.port ?? 0;
}

type Parts = {
  readonly models: ModelCache;
  readonly inTurn: ReturnType<typeof oneAtATime>;
};

async function answerInTurn({ models, inTurn }: Parts, request: Request, body: Uint8Array) {
  const call = parseCall(request.headers.get(CALL_HEADER) ?? "");
  const leave = await inTurn();
  let isLeaving = true;
  try {
    request.signal.throwIfAborted();
    const model = await models.get(call.model);
    const startedAt = performance.now();
    const answer = await model.answer(questionOf(call, request, body));
    const seconds = (performance.now() - startedAt) / 1000;
    // A stream has the engine to itself until it ends.
    isLeaving = answer.kind !== "events";
    return responseOf(answer, seconds, leave);
  } finally {
    if (isLeaving) leave();
  }
}

const questionOf = ({ task, form }: Call, request: Request, body: Uint8Array) => ({
  task,
  form,
  input: readInput(request.headers.get("content-type"), body),
  accept: request.headers.get("accept") ?? "",
  signal: request.signal,
});

function responseOf(answer: Answer, seconds: number, leave: () => void): Response {
  const memory = { [RSS_HEADER]: String(process.memoryUsage.rss()) };
  const headers = { ...memory, "x-compute-time": seconds.toFixed(6) };
  switch (answer.kind) {
    case "json":
      return Response.json(answer.value, { headers });
    case "bytes":
      return new Response(answer.bytes, {
        headers: { ...headers, "content-type": answer.contentType },
      });
    case "events":
      // How long it will take is not known yet.
      return new Response(eventStream(answer.events, leave), {
        headers: { ...memory, "content-type": "text/event-stream", "cache-control": "no-cache" },
      });
  }
}

function failure(thrown: unknown, signal: AbortSignal): Response {
  if (thrown instanceof Refusal) return refusalResponse(thrown);
  if (signal.aborted) return new Response(null, { status: 499 });
  // A message of a library may quote what it was given; the caller learns only that it failed.
  logFailure(thrown);
  return refusalResponse(new Refusal(500, "The engine could not answer this request."));
}
