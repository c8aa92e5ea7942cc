import {
  memberReader,
  mendFinishReasons,
  missingMembers,
  outputTextOf,
  usageOf,
  usageWithCost,
} from "../../wire/chat-answer.js";
import { withChanges } from "../../wire/json-members.js";
import { answerHeaders, type Facts } from "../answer-headers.js";
import { withTime } from "../money/paid-time.js";
import { settle } from "../money/settle.js";
import type { ChatCall, Gateway } from "../parts.js";
import type { Outcome } from "../send.js";
import { noteSpeed } from "../standing.js";
import { adapterFor, type Turn } from "../turn.js";
import { estimateUsage } from "./estimate-usage.js";

type PlainAnswer = Extract<Outcome, { kind: "plain" }>;

/** Settles a complete answer and passes it on with its cost. */
export async function answerPlain(
  gateway: Gateway,
  call: ChatCall,
  { candidate, held, deadline, sentAt, time }: Turn,
  facts: Facts,
  { json, head }: PlainAnswer,
): Promise<Response> {
  deadline.end();
  time?.stop();
  const counted = usageOf(json) ?? (await estimateUsage(call.request, outputTextOf(json)));
  const usage = withTime(counted, time);
  const { finishReasons, reported } = adapterFor(gateway, candidate);
  const upstreamMs = facts.answeredAt - sentAt;
  const { isProbe } = call;
  noteSpeed(gateway, candidate, { tokens: usage.outputTokens, totalMs: upstreamMs, isProbe });
  const cost = await settle(gateway, call, candidate, held, {
    usage,
    reported: reported?.({ header: (name) => head.get(name), member: memberReader(json) }),
    status: 200,
    outcome: "served",
    firstByteMs: Math.round(upstreamMs),
    way: facts,
  });
  const changes = missingMembers(json, {
    id: `chatcmpl-${call.id}`,
    model: candidate.mapping.modelId,
    object: "chat.completion",
    createdAt: call.at,
  });
  changes.set("usage", usageWithCost(json, usage, cost));
  const body = mendFinishReasons(withChanges(json.text, json.members, changes), finishReasons);
  return new Response(body, { headers: answerHeaders(gateway, call, { ...facts, cost }) });
}
