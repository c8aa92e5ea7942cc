/** Chat on a provider's own wire: passed on as it came and answered byte for byte, held and charged like all chat. */

import type { OwnChat, ProviderRequest } from "../../providers/provider.js";
import { noUsage, type Usage } from "../../tasks/usage.js";
import { asObject } from "../../wire/as-object.js";
import { cohereDialect, cohereText, cohereUsage } from "../../wire/dialects/cohere.js";
import { withChanges } from "../../wire/json-changes.js";
import { answerHeaders, type Facts } from "../answer-headers.js";
import { awaiterFor } from "../attempts.js";
import { answerStream } from "../chat/chat-stream.js";
import { chatWish } from "../chat/chat-wish.js";
import { estimateUsage } from "../chat/estimate-usage.js";
import type { ResponseHead } from "../client/response-head.js";
import { type Failure, judgeStatus, refusedFor, whyOf } from "../failure.js";
import type { Kind } from "../kind.js";
import { chatTokens, chatTokensMost } from "../money/bound.js";
import { holdAtOnce, holdFor } from "../money/hold.js";
import { withTime } from "../money/paid-time.js";
import { settle, settleNothing } from "../money/settle.js";
import type { ChatCall, Gateway } from "../parts.js";
import { readBytes } from "../read-answer.js";
import type { Reply } from "../reply.js";
import { keyFor } from "../route/candidates.js";
import { type StreamStart, startStream } from "../send.js";
import { serve } from "../serve.js";
import { noteSpeed } from "../standing.js";
import { type Asking, begin } from "../task/task-exchange.js";
import { configuredFor, type Turn } from "../turn.js";
import { answerAs, headersAs } from "./answer.js";

export type OwnChatCall = ChatCall & {
  /** As it is to be sent, but for a limit that the balance may lower. */
  readonly upstream: ProviderRequest;
  readonly form: OwnChat["form"];
};

/** Answers as the provider did, or throws the RouterError that ends the request. */
export const serveOwnChat = (gateway: Gateway, call: OwnChatCall): Promise<Reply> =>
  serve(gateway, call, ownChat);

type Whole = { readonly kind: "whole"; readonly head: ResponseHead; readonly bytes: Buffer };
type Begun = { readonly kind: "stream"; readonly head: ResponseHead; readonly start: StreamStart };

const ownChat: Kind<OwnChatCall, Whole | Begun> = {
  wish: chatWish,
  tokens: chatTokens,
  tokensMost: chatTokensMost,
  holdAtOnce,
  holdFor,
  send,
  leftOut: () => [],
  headOf: ({ head }) => head,
  isShort: () => false,
  verdict: ({ clock }, { kind, head }) => {
    if (kind === "stream") return "begun";
    return head.status === 429 || head.status >= 500 ? refusedFor(head, clock) : "succeeded";
  },
  answer: (gateway, call, turn, facts, answered) =>
    answered.kind === "whole"
      ? answerWhole(gateway, call, turn, facts, answered)
      : answerStream(gateway, call, turn, facts, {
          start: answered.start,
          dialect: FORMS[call.form].dialect,
          headers: headersAs(answered.head, answerHeaders(gateway, call, facts)),
        }),
};

/** How a form's answers are read. */
const FORMS = {
  cohere: { dialect: cohereDialect, usage: cohereUsage, text: cohereText, maxTokens: "max_tokens" },
} as const;

async function send(
  gateway: Gateway,
  call: OwnChatCall,
  turn: Turn,
): Promise<Whole | Begun | Failure> {
  const { candidate, deadline } = turn;
  const { limits, clock } = gateway;
  const isOwnKey = candidate.keySource !== "operator";
  const key = keyFor(gateway, call, candidate);
  const onHead = awaiterFor(gateway, call, candidate);
  const configured = configuredFor(gateway, candidate);
  const asking: Asking = { gateway, call, turn, configured, key, onHead };
  try {
    const exchange = await begin(asking, upstreamFor(call, turn));
    const { head } = exchange;
    if (!head) return { kind: "failed", why: "malformed" };
    const answer = { head, exchange };
    // What is between the operator and the provider is none of the caller's business.
    if (!isOwnKey && [401, 402, 403].includes(head.status)) {
      return await judgeStatus({ deadline, limits, clock, isOwnKey, key }, answer);
    }
    if (head.status >= 300 || !call.request.isStream) {
      if (head.status < 300) onHead?.(head);
      return { kind: "whole", head, bytes: await readBytes({ deadline, limits }, answer) };
    }
    onHead?.(head);
    const started = await startStream({ deadline, key }, answer);
    return started.kind === "stream"
      ? { kind: "stream", head, start: started.start }
      : notBegun(started);
  } catch (thrown) {
    return { kind: "failed", why: whyOf(deadline.reason ?? thrown) };
  }
}

const notBegun = (
  outcome: Exclude<Awaited<ReturnType<typeof startStream>>, { kind: "stream" }>,
): Failure => (outcome.kind === "failed" ? outcome : { kind: "failed", why: "malformed" });

/** The caller's own bytes, unless the balance lowers the limit on the output. */
function upstreamFor({ upstream, request, form }: OwnChatCall, { held }: Turn): ProviderRequest {
  if (held.clampedTo === undefined) return upstream;
  const changes = new Map([[FORMS[form].maxTokens, String(held.clampedTo)]]);
  const media = { bytes: withChanges(request.body, changes), type: "application/json" };
  return { ...upstream, body: { kind: "bytes", media } };
}

async function answerWhole(
  gateway: Gateway,
  call: OwnChatCall,
  turn: Turn,
  facts: Facts,
  { head, bytes }: Whole,
): Promise<Reply> {
  const { candidate, held, deadline, time, sentAt } = turn;
  deadline.end();
  time?.stop();
  const { status } = head;
  const isServed = status < 300;
  if (!isServed) {
    gateway.book.release(held.hold);
    await settleNothing(gateway, call, candidate, { status, outcome: "failed", way: facts });
    return answerAs({ bytes, status }, head, answerHeaders(gateway, call, facts));
  }
  const usage = withTime(await usageIn(call, bytes), time);
  const upstreamMs = facts.answeredAt - sentAt;
  noteSpeed(gateway, candidate, { tokens: usage.outputTokens, totalMs: upstreamMs });
  const cost = await settle(gateway, call, candidate, held, {
    usage,
    status,
    outcome: "served",
    firstByteMs: Math.round(upstreamMs),
    way: facts,
  });
  return answerAs({ bytes, status }, head, answerHeaders(gateway, call, facts, cost));
}

/** As the provider counted it; what is no answer of the form was not counted, and nobody knows what it cost. */
async function usageIn({ request, form }: OwnChatCall, bytes: Buffer): Promise<Usage> {
  const answer = asObject(parsed(bytes));
  if (!answer) return noUsage;
  const { usage, text } = FORMS[form];
  return usage(answer.usage) ?? estimateUsage(request, text(answer));
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    // It goes to the caller as it is, who sees what is wrong with it.
    return undefined;
  }
}
