/** A provider on loopback that answers exactly what a test says, and remembers what it was sent. */

export type Received = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Resolves when the caller of this request went away before its answer was complete. */
  readonly signal: AbortSignal;
};

export type Reply = Response | Promise<Response>;

export function fakeProvider(reply: (received: Received) => Reply) {
  const received: Received[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: async (request) => {
      const one: Received = {
        method: request.method,
        path: new URL(request.url).pathname,
        headers: Object.fromEntries(request.headers),
        body: await request.text(),
        signal: request.signal,
      };
      received.push(one);
      return reply(one);
    },
  });
  const origin = `http://127.0.0.1:${server.port}`;
  return { origin, received, stop: () => server.stop(true) };
}

export type FakeProvider = ReturnType<typeof fakeProvider>;

/** A plain OpenAI-shaped answer. */
export const plainAnswer = (
  usage: { readonly prompt: number; readonly completion: number } | undefined = {
    prompt: 10,
    completion: 5,
  },
  content = "Hello there, friend of mine",
): Response =>
  Response.json({
    id: "cmpl-1",
    object: "chat.completion",
    created: 1_767_225_600,
    model: "upstream-model",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
    ...(usage && {
      usage: {
        prompt_tokens: usage.prompt,
        completion_tokens: usage.completion,
        total_tokens: usage.prompt + usage.completion,
      },
    }),
  });

export const chunk = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({
    id: "cmpl-1",
    object: "chat.completion.chunk",
    created: 1_767_225_600,
    model: "upstream-model",
    choices: [{ index: 0, delta: { content }, finish_reason: finish }],
  })}\n\n`;

export const usageChunk = (prompt: number, completion: number): string =>
  `data: ${JSON.stringify({
    id: "cmpl-1",
    object: "chat.completion.chunk",
    created: 1_767_225_600,
    model: "upstream-model",
    choices: [],
    usage: {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
    },
  })}\n\n`;

export const DONE = "data: [DONE]\n\n";

/** A stream of given pieces, one write each. A function among them is awaited between two writes. */
export function streamed(
  pieces: readonly (string | Uint8Array | (() => Promise<void>))[],
): Response {
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      try {
        for (const piece of pieces) {
          if (typeof piece === "function") await piece();
          else controller.enqueue(typeof piece === "string" ? Buffer.from(piece) : piece);
        }
        controller.close();
      } catch (thrown) {
        controller.error(thrown);
      }
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** A turnpike.yaml whose own servers all serve `org/model`, by default at $1 and $2 per million tokens. */
export const yamlFor = (
  origins: Readonly<Record<string, string>>,
  price: Readonly<Record<string, string>> = { input: "1", output: "2" },
  more: Readonly<Record<string, unknown>> = {},
): string =>
  JSON.stringify({
    allow_literal_keys: true,
    providers: Object.fromEntries(
      Object.entries(origins).map(([id, origin]) => [
        id,
        { type: "openai-compatible", base_url: origin, api_key: `key-of-${id}` },
      ]),
    ),
    models: [
      {
        id: "org/model",
        task: "conversational",
        providers: Object.keys(origins).map((provider) => ({
          provider,
          provider_model: "upstream-model",
          price,
        })),
      },
    ],
    ...more,
  });
