/** A GGUF model in memory, and text from it: of a conversation, or going on from a prompt. */
import { availableParallelism } from "node:os";
import { CONTEXT_TOKENS_MAX, OUTPUT_TOKENS_DEFAULT } from "../../limits.js";
import { Refusal } from "../../refusal.js";
import type { ChatTurn, GenerateOptions, Llama, LlamaModule, Metadata, Token } from "./llama.js";

export type Prompt =
  | { readonly kind: "conversation"; readonly turns: readonly ChatTurn[] }
  | { readonly kind: "text"; readonly text: string };

/** What a caller may say about the text; what is undefined is the model's or ours to choose. */
export type Wanted = {
  readonly maxTokens: number | undefined;
  readonly temperature: number;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly seed?: number | undefined;
  readonly stop: readonly string[];
  readonly repetitionPenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly presencePenalty?: number | undefined;
};

export type Piece = { readonly text: string; readonly tokenId: Token };

export type Ending = {
  readonly reason: "end" | "length" | "stop_sequence";
  readonly inputTokens: number;
  readonly outputTokens: number;
};

export type Writer = {
  /** Calls `onPiece` for each piece of text as it comes. */
  readonly write: (
    prompt: Prompt,
    wanted: Wanted,
    signal: AbortSignal,
    onPiece: (piece: Piece) => void,
  ) => Promise<Ending>;
  readonly unload: () => Promise<void>;
};

export async function loadWriter(module: LlamaModule, llama: Llama, file: string): Promise<Writer> {
  const model = await llama.loadModel({ modelPath: file });
  // More threads than processors that are free make it slower by orders of magnitude.
  const threads = Math.max(1, availableParallelism() - 1);
  const contextSize = Math.min(model.trainContextSize, CONTEXT_TOKENS_MAX);
  const context = await model.createContext({ contextSize, threads });
  const contextSequence = context.getSequence();
  const chatWrapper = module.resolveChatWrapper(model);
  const kept = { contextSequence, autoDisposeSequence: false } as const;
  const chat = new module.LlamaChat({ ...kept, chatWrapper });
  const completion = new module.LlamaCompletion(kept);

  const lengthOf = (prompt: Prompt): number =>
    prompt.kind === "text"
      ? model.tokenize(prompt.text).length + 1
      : chatWrapper
          .generateContextState({ chatHistory: prompt.turns })
          .contextText.tokenize(model.tokenizer).length;

  const run = async (prompt: Prompt, options: GenerateOptions): Promise<Metadata> =>
    prompt.kind === "text"
      ? (await completion.generateCompletionWithMeta(prompt.text, options)).metadata
      : (await chat.generateResponse(prompt.turns, options)).metadata;

  return {
    write: async (prompt, wanted, signal, onPiece) => {
      const room = roomAfter(lengthOf(prompt), context.contextSize);
      // What one caller said is not there for the next one, and every prompt is counted in full.
      await contextSequence.clearHistory();
      const before = contextSequence.tokenMeter.getState();
      const { stopReason } = await run(prompt, optionsOf(wanted, room, signal, onPiece));
      signal.throwIfAborted();
      const { usedInputTokens, usedOutputTokens } = contextSequence.tokenMeter.diff(before);
      return {
        reason: REASONS[stopReason] ?? "end",
        inputTokens: usedInputTokens,
        outputTokens: usedOutputTokens,
      };
    },
    unload: () => model.dispose(),
  };
}

const REASONS: Readonly<Record<string, Ending["reason"]>> = {
  maxTokens: "length",
  customStopTrigger: "stop_sequence",
};

/** The library would forget the beginning of what is too long; the caller should know instead. */
function roomAfter(tokens: number, contextSize: number): number {
  if (tokens < contextSize) return contextSize - tokens;
  throw new Refusal(
    422,
    `Input validation error: the input has ${tokens} tokens; this model takes fewer than ${contextSize}.`,
  );
}

function optionsOf(
  wanted: Wanted,
  room: number,
  signal: AbortSignal,
  onPiece: (piece: Piece) => void,
): GenerateOptions {
  let tokenId: Token = 0;
  return {
    maxTokens: Math.min(wanted.maxTokens ?? OUTPUT_TOKENS_DEFAULT, room),
    temperature: wanted.temperature,
    ...(wanted.topP !== undefined && { topP: wanted.topP }),
    ...(wanted.topK !== undefined && { topK: wanted.topK }),
    ...(wanted.seed !== undefined && { seed: wanted.seed }),
    customStopTriggers: wanted.stop,
    repeatPenalty: {
      ...(wanted.repetitionPenalty !== undefined && { penalty: wanted.repetitionPenalty }),
      ...(wanted.frequencyPenalty !== undefined && { frequencyPenalty: wanted.frequencyPenalty }),
      ...(wanted.presencePenalty !== undefined && { presencePenalty: wanted.presencePenalty }),
    },
    signal,
    stopOnAbortSignal: true,
    onToken: (tokens) => {
      tokenId = tokens.at(-1) ?? tokenId;
    },
    onTextChunk: (text) => {
      if (text !== "") onPiece({ text, tokenId });
    },
  };
}
