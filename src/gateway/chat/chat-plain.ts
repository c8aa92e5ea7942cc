import { isUtf8 } from "node:buffer";
import type { NanoUsd } from "../../kernel/money.js";
import type { CostReader } from "../../providers/provider.js";
import type { Candidate } from "../../routing/policy.js";
import type { JsonObject } from "../../tasks/json-object.js";
import type { Reported, Usage } from "../../tasks/usage.js";
import {
  isWhole,
  memberReader,
  mendFinishReasons,
  missingMembers,
  outputTextOf,
  saysUsualReasons,
  usageOf,
  usageWithCost,
  withCostAdded,
} from "../../wire/chat-answer.js";
import { withChanges } from "../../wire/json-changes.js";
import { answerLines, type Facts } from "../answer-headers.js";
import { withTime } from "../money/paid-time.js";
import { charge, type Ending, type Settled } from "../money/settle.js";
import type { ChatCall, Gateway } from "../parts.js";
import { WholeReply } from "../reply.js";
import type { Outcome } from "../send.js";
import { noteSpeed } from "../standing.js";
import { adapterFor, type Turn } from "../turn.js";
import { estimateUsage } from "./estimate-usage.js";

type PlainAnswer = Extract<Outcome, { kind: "plain" }>;

/** Settles a complete answer and passes it on with its cost. */
export function answerPlain(
  gateway: Gateway,
  call: ChatCall,
  turn: Turn,
  facts: Facts,
  answer: PlainAnswer,
): Promise<WholeReply> | WholeReply {
  turn.deadline.end();
  turn.time?.stop();
  const counted = usageOf(answer.json);
  // Waiting for what is there already costs a promise.
  return counted
    ? answerCounted(gateway, call, turn, facts, answer, counted)
    : answerUncounted(gateway, call, turn, facts, answer);
}

async function answerUncounted(
  gateway: Gateway,
  call: ChatCall,
  turn: Turn,
  facts: Facts,
  answer: PlainAnswer,
): Promise<WholeReply> {
  const counted = await estimateUsage(call.request, outputTextOf(answer.json));
  return answerCounted(gateway, call, turn, facts, answer, counted);
}

function answerCounted(
  gateway: Gateway,
  call: ChatCall,
  { candidate, held, sentAt, time }: Turn,
  facts: Facts,
  answer: PlainAnswer,
  counted: Usage,
): Promise<WholeReply> | WholeReply {
  const usage = withTime(counted, time);
  const { reported } = adapterFor(gateway, candidate);
  const upstreamMs = facts.answeredAt - sentAt;
  const { isProbe } = call;
  noteSpeed(gateway, candidate, { tokens: usage.outputTokens, totalMs: upstreamMs, isProbe });
  const ending: Ending = {
    usage,
    reported: reported && reportedIn(answer, reported),
    status: 200,
    outcome: "served",
    firstByteMs: Math.round(upstreamMs),
    way: facts,
  };
  const settled = charge(gateway, call, candidate, held, ending);
  return settled instanceof Promise
    ? replyLater(gateway, call, facts, answer, usage, settled)
    : replyFor(gateway, call, facts, answer, usage, settled);
}

const replyLater = async (
  gateway: Gateway,
  call: ChatCall,
  facts: Facts,
  answer: PlainAnswer,
  usage: Usage,
  settled: Promise<Settled>,
): Promise<WholeReply> => replyFor(gateway, call, facts, answer, usage, await settled);

function replyFor(
  gateway: Gateway,
  call: ChatCall,
  facts: Facts,
  { json }: PlainAnswer,
  usage: Usage,
  { charged, written }: Settled,
): WholeReply {
  const { candidate } = facts;
  const lines = answerLines(gateway, call, facts, charged);
  lines.push(CONTENT_TYPE);
  // More must be written than the cost where anything is missing, said in a provider's own words, or no proper text.
  const isInPlace =
    !usage.estimated && isWholeAnswer(json) && saysUsualReasons(json) && isUtf8(json.bytes);
  const body = isInPlace ? withCostAdded(json, charged) : undefined;
  if (body) return new WholeReply(lines, body, written);
  const anew = writtenAnew(call, candidate, json, usage, charged).toString("utf8");
  const mended = mendFinishReasons(anew, adapterFor(gateway, candidate).finishReasons);
  return new WholeReply(lines, Buffer.from(mended), written);
}

function writtenAnew(
  call: ChatCall,
  { mapping }: Candidate,
  json: JsonObject,
  usage: Usage,
  cost: NanoUsd,
): Buffer {
  const changes = missingMembers(json, {
    id: `chatcmpl-${call.id}`,
    model: mapping.modelId,
    object: ANSWER,
    createdAt: call.at,
  });
  changes.set("usage", usageWithCost(json, usage, cost));
  return withChanges(json, changes);
}

const ANSWER = "chat.completion";
const isWholeAnswer = (json: JsonObject): boolean => isWhole(json, ANSWER);
const CONTENT_TYPE = "content-type: application/json\r\n";

/** Apart from what every answer runs through, which then need not keep its variables for these functions. */
const reportedIn = ({ head, json }: PlainAnswer, read: CostReader): Reported | undefined =>
  read({ header: (name) => head.get(name), member: memberReader(json) });
