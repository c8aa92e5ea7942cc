/**
 * Stands in for the part of Stripe that sells credit: makes checkout sessions over HTTP, and signs the events of
 * its account. Which event is delivered when, and how often, is the test's to say: Stripe promises neither order
 * nor that an event comes once.
 */
import type { JsonObject } from "../json.js";
import { StripeAccount } from "./account.js";
import { type Form, parseForm } from "./form.js";
import type { Session, StripeEvent } from "./objects.js";
import { stripeSignature } from "./sign.js";

export type StripeOptions = {
  readonly secretKey: string;
  readonly webhookSecret: string;
  readonly now?: () => number;
};

/** A checkout that was asked for. */
export type Asked = { readonly form: Form; readonly idempotencyKey: string };

export type SignedBody = { readonly body: string; readonly signature: string };

export type StripeSim = ReturnType<typeof startStripe>;

export function startStripe({ secretKey, webhookSecret, now = Date.now }: StripeOptions) {
  const account = new StripeAccount(now);
  const asked: Asked[] = [];
  const create = sessionMaker(account, asked);
  const failures: (() => Response | Promise<Response>)[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const failure = failures.shift();
      if (failure) return failure();
      const isKnown = request.headers.get("authorization") === `Bearer ${secretKey}`;
      return isKnown ? serve(request, create) : failed(401, { message: "Invalid API Key: sk_***" });
    },
  });
  const origin = `http://127.0.0.1:${server.port}`;
  account.pages = `${origin}/c/pay`;
  return {
    origin,
    account,
    asked,
    /** The next call is answered like this. */
    failNext: (answer: () => Response | Promise<Response>): number => failures.push(answer),
    /** An event as it goes over the wire. */
    sign: (event: StripeEvent | string, secret = webhookSecret, at = now()): SignedBody => {
      const body = typeof event === "string" ? event : JSON.stringify(event, null, 2);
      return { body, signature: stripeSignature(body, secret, at) };
    },
    stop: () => server.stop(true),
  };
}

type Create = (form: string, idempotencyKey: string) => Response;

async function serve(request: Request, create: Create): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.method !== "POST" || pathname !== "/v1/checkout/sessions") {
    return failed(404, { message: `Unrecognized request URL (${request.method}: ${pathname})` });
  }
  return create(await request.text(), request.headers.get("idempotency-key") ?? "");
}

/** The same key with the same form gets the same checkout; with another form it is refused. */
function sessionMaker(account: StripeAccount, asked: Asked[]): Create {
  const made = new Map<string, { readonly text: string; readonly session: Session }>();
  return (text, idempotencyKey) => {
    const form = parseForm(text);
    asked.push({ form, idempotencyKey });
    const before = made.get(idempotencyKey);
    if (before) {
      return before.text === text
        ? Response.json(account.print(before.session))
        : failed(400, { type: "idempotency_error", message: "A key is for one request only" });
    }
    const session = account.create(form);
    if ("refused" in session) return failed(400, session.refused);
    if (idempotencyKey !== "") made.set(idempotencyKey, { text, session });
    return Response.json(account.print(session));
  };
}

const failed = (status: number, error: JsonObject): Response =>
  Response.json(
    { error: { type: "invalid_request_error", ...error } },
    { status, headers: { "request-id": "req_test_1" } },
  );
