import type { NanoUsd } from "../../kernel/money.js";
import type { CostReader } from "../../providers/provider.js";
import type { Candidate } from "../../routing/policy.js";
import type { Reported, Usage } from "../../tasks/usage.js";
import {
  type ChatJson,
  isWhole,
  memberReader,
  mendFinishReasons,
  missingMembers,
  outputTextOf,
  usageOf,
  usageWithCost,
  withCostAdded,
} from "../../wire/chat-answer.js";
import { withChanges } from "../../wire/json-members.js";
import { answerLines, type Facts } from "../answer-headers.js";
import type { ResponseHead } from "../client/response-head.js";
import { withTime } from "../money/paid-time.js";
import { charge, type Ending } from "../money/settle.js";
import type { ChatCall, Gateway } from "../parts.js";
import { WholeReply } from "../reply.js";
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
): Promise<WholeReply> {
  deadline.end();
  time?.stop();
  const counted = usageOf(json) ?? (await estimateUsage(call.request, outputTextOf(json)));
  const usage = withTime(counted, time);
  const { finishReasons, reported } = adapterFor(gateway, candidate);
  const upstreamMs = facts.answeredAt - sentAt;
  const { isProbe } = call;
  noteSpeed(gateway, candidate, { tokens: usage.outputTokens, totalMs: upstreamMs, isProbe });
  const ending: Ending = {
    usage,
    reported: reported && reportedIn(head, json, reported),
    status: 200,
    outcome: "served",
    firstByteMs: Math.round(upstreamMs),
    way: facts,
  };
  const charging = charge(gateway, call, candidate, held, ending);
  // Waiting for what is there already costs a promise.
  const { charged: cost, written } = charging instanceof Promise ? await charging : charging;
  await written;
  const text =
    withCostInPlace(json, usage, cost) ?? writtenAnew(call, candidate, json, usage, cost);
  const body = mendFinishReasons(text, finishReasons);
  return new WholeReply(`${CONTENT_TYPE}${answerLines(gateway, call, facts, cost)}`, body);
}

/** Undefined where more must be written than the cost. */
function withCostInPlace(json: ChatJson, usage: Usage, cost: NanoUsd): string | undefined {
  return usage.estimated || !isWhole(json, ANSWER) ? undefined : withCostAdded(json, cost);
}

function writtenAnew(
  call: ChatCall,
  { mapping }: Candidate,
  json: ChatJson,
  usage: Usage,
  cost: NanoUsd,
): string {
  const changes = missingMembers(json, {
    id: `chatcmpl-${call.id}`,
    model: mapping.modelId,
    object: ANSWER,
    createdAt: call.at,
  });
  changes.set("usage", usageWithCost(json, usage, cost));
  return withChanges(json.text, json.members, changes);
}

const ANSWER = "chat.completion";
const CONTENT_TYPE = "content-type: application/json\r\n";

/** Apart from what every answer runs through, which then need not keep its variables for these functions. */
const reportedIn = (head: ResponseHead, json: ChatJson, read: CostReader): Reported | undefined =>
  read({ header: (name) => head.get(name), member: memberReader(json) });
