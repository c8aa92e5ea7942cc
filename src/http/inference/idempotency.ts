/** `Idempotency-Key`: within a day a payer's request with the same key is sent once, on whichever process. */

import { createHash } from "node:crypto";
import type { Reply } from "../../gateway/reply.js";
import { badRequest, RouterError } from "../../kernel/errors.js";
import { IDEMPOTENCY_KEY_CHARS_MAX } from "../../kernel/limits.js";
import { reasonOf } from "../../kernel/log.js";
import type { Claim, Holder } from "../../store/books/idempotency.js";
import type { Incoming } from "../incoming.js";
import type { Site } from "../parts.js";

const HEADER = "idempotency-key";
const KEY = new RegExp(`^[\\x21-\\x7e]{1,${IDEMPOTENCY_KEY_CHARS_MAX}}$`);

/** The key that a request came with; undefined for none. */
export function idempotencyKey({ headers }: Incoming): string | undefined {
  const key = headers.get(HEADER);
  if (key === null) return undefined;
  if (KEY.test(key)) return key;
  throw badRequest(
    `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} printable characters without spaces.`,
    HEADER,
  );
}

type Asked = { readonly id: string; readonly payer: string; readonly at: number };

/**
 * Serves a request unless the payer's key is used, which is `idempotency_conflict`. `serve` is handed what to call
 * before anything is sent; a request that ends without that leaves its key free.
 */
export async function serveOnce(
  site: Site,
  key: string,
  { id, payer, at }: Asked,
  serve: (onStart: () => void) => Promise<Reply>,
): Promise<Reply> {
  const hash = createHash("sha256").update(key).digest("base64url");
  const claim: Claim = { payer, key: hash, requestId: id, at };
  const holder = await site.books.idempotency.claim(claim).catch(cannotCheck);
  if (holder) throw conflict(await stateOf(site, holder, at), holder);
  let isStarted = false;
  try {
    return await serve(() => {
      isStarted = true;
    });
  } catch (thrown) {
    if (!isStarted) await release(site, claim);
    throw thrown;
  }
}

/** A key that stays used by mistake is an hour's nuisance; the answer is worth more. */
async function release({ books, gateway }: Site, claim: Claim): Promise<void> {
  await books.idempotency.release(claim).catch((thrown) => {
    const facts = { request: claim.requestId, reason: reasonOf(thrown) };
    gateway.log("warn", "idempotency_key_not_released", facts);
  });
}

function cannotCheck(cause: unknown): never {
  const message =
    "Your Idempotency-Key cannot be checked right now, because the store does not answer.";
  throw new RouterError("store_unavailable", message, { retryAfterSeconds: 1 }, { cause });
}

/** How the first request ended, or `running`; `interrupted` when it can be running no more and left no trace. */
async function stateOf(site: Site, holder: Holder, now: number): Promise<string> {
  if (holder.outcome !== undefined) return holder.outcome;
  await site.drain();
  const outcome = await site.books.idempotency.outcomeOf(holder.requestId);
  if (outcome !== undefined) return outcome;
  return holder.at + site.gateway.limits.totalMs < now ? "interrupted" : "running";
}

const conflict = (state: string, { requestId }: Holder): RouterError =>
  new RouterError(
    "idempotency_conflict",
    `This Idempotency-Key was used by the request ${requestId} (${state}). Nothing was sent or charged again; no answer is kept that could be repeated. Use a new key for a new request.`,
    { param: HEADER, extra: { first_request: { inference_id: requestId, state } } },
  );
