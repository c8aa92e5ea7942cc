/** How a stream is spoken on both of its sides. */
import type { EventQuirks } from "../../wire/chat-event.js";
import type { StreamDialect } from "../../wire/dialects/dialect.js";
import { ownGeneration, translatedGeneration } from "../../wire/dialects/generation.js";
import { openAiDialect } from "../../wire/dialects/openai.js";
import type { ChatCall, Gateway } from "../parts.js";
import { adapterFor, type Turn } from "../turn.js";

/** Made anew for each stream. */
export function dialectFor(gateway: Gateway, call: ChatCall, turn: Turn): StreamDialect {
  const { generation } = call.request;
  if (!generation) return openAiDialect(quirksOf(gateway, call, turn));
  return adapterFor(gateway, turn.candidate).generationPath
    ? ownGeneration(generation.wantsDetails)
    : translatedGeneration(quirksOf(gateway, call, turn), generation.wantsDetails);
}

function quirksOf(gateway: Gateway, call: ChatCall, { candidate }: Turn): EventQuirks {
  const { finishReasons, hasEmptyIds } = adapterFor(gateway, candidate);
  const isChat = call.request.task === "conversational";
  const fill = {
    id: `${isChat ? "chatcmpl" : "cmpl"}-${call.id}`,
    model: candidate.mapping.modelId,
    object: isChat ? "chat.completion.chunk" : "text_completion",
    createdAt: call.at,
  } as const;
  return { finishReasons, hasEmptyIds, fill };
}
