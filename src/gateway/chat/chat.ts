/** Chat, as one kind of request. */

import type { Candidate } from "../../routing/policy.js";
import { awaiterFor } from "../attempts.js";
import type { Kind } from "../kind.js";
import { chatTokens, chatTokensMost } from "../money/bound.js";
import { holdAtOnce, holdFor } from "../money/hold.js";
import type { ChatCall, Gateway } from "../parts.js";
import type { Reply } from "../reply.js";
import { keyFor } from "../route/candidates.js";
import { type Outcome, send } from "../send.js";
import { serve } from "../serve.js";
import { adapterFor, configuredFor, type Turn } from "../turn.js";
import { answerPlain } from "./chat-plain.js";
import { answerStream } from "./chat-stream.js";
import { chatWish } from "./chat-wish.js";
import { dialectFor } from "./stream-dialect.js";
import { chatUpstreamRequest, leftOut } from "./upstream-request.js";

/** Answers, or throws the RouterError that ends the request. */
export const serveChat = (gateway: Gateway, call: ChatCall): Promise<Reply> =>
  serve(gateway, call, chat);

type Answered = Exclude<Outcome, { kind: "failed" }>;

const chat: Kind<ChatCall, Answered> = {
  wish: chatWish,
  tokens: chatTokens,
  tokensMost: chatTokensMost,
  holdAtOnce,
  holdFor,
  send: sendTurn,
  verdict: (_, { kind }) => (kind === "plain" ? "succeeded" : "begun"),
  isShort: ({ limits }, { request: { isStream, maxTokens, choices } }) =>
    !isStream && maxTokens !== undefined && maxTokens.value * choices <= limits.hedgeTokensMax,
  headOf: (answered) => (answered.kind === "plain" ? answered.head : answered.start.exchange.head),
  leftOut: (gateway: Gateway, call: ChatCall, candidate: Candidate) =>
    leftOut(adapterFor(gateway, candidate), call.request),
  answer: (gateway, call, turn, facts, answered) =>
    answered.kind === "plain"
      ? answerPlain(gateway, call, turn, facts, answered)
      : answerStream(gateway, call, turn, facts, {
          start: answered.start,
          dialect: dialectFor(gateway, call, turn),
          resend: sendTurn,
        }),
};

function sendTurn(
  gateway: Gateway,
  call: ChatCall,
  { candidate, held, deadline, time }: Turn,
): Promise<Outcome> {
  const { provider, baseUrl, guard } = configuredFor(gateway, candidate);
  const adapter = adapterFor(gateway, candidate);
  const target = { providerModel: candidate.mapping.providerModel, clampedTo: held.clampedTo };
  return send({
    http: gateway.http,
    request: chatUpstreamRequest(provider, adapter, call.request, target),
    baseUrl,
    guard,
    auth: provider.auth,
    key: keyFor(gateway, call, candidate),
    isStream: call.request.isStream,
    isOwnKey: candidate.keySource !== "operator",
    requestId: call.id,
    deadline,
    limits: gateway.limits,
    clock: gateway.clock,
    time,
    onHead: awaiterFor(gateway, call, candidate),
  });
}
