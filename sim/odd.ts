import type { Call } from "./call.js";
import type { Dials } from "./dials.js";
import { ENDLESS_BYTES_MAX } from "./limits.js";

/** Answers that are not what was asked for at all, as gateways and proxies in the way give them. */
export function odd(call: Call, answer: NonNullable<Dials["answer"]>): Response {
  const id = { [call.provider.requestIdHeader]: call.requestId };
  switch (answer) {
    case "html":
      return new Response("<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>", {
        status: call.dials.fail_status ?? 200,
        headers: { "content-type": "text/html; charset=utf-8", ...id },
      });
    case "redirect":
      return new Response(null, { status: 302, headers: { location: "/_sim/redirected", ...id } });
    case "empty":
      return new Response("", { headers: { "content-type": "application/json", ...id } });
    case "endless":
      return new Response(endless(), { headers: { "content-type": "application/json", ...id } });
    case "wrong_length":
      return new Response(short(), { headers: { "content-type": "application/json", ...id } });
  }
}

/** White space before JSON is legal for ever. Bounded, and stopped when the caller hangs up. */
function endless(): ReadableStream {
  const block = new Uint8Array(1 << 16).fill(0x20);
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(block);
      sent += block.length;
      if (sent >= ENDLESS_BYTES_MAX) controller.close();
    },
  });
}

/**
 * A body that ends before its announced end. Bun.serve writes Content-Length itself, so the announced
 * end is that of chunked coding, which never comes: to a reader it is the same fault.
 */
function short(): ReadableStream {
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode('{"id":"short","object":"chat.comp'));
      await Bun.sleep(5);
      controller.error(new DOMException("the simulator ends this body early", "AbortError"));
    },
  });
}
