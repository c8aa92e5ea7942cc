/**
 * What is used of node-llama-cpp 3. It is an optional package, so that these types stand here rather than there.
 * Source: its API reference, read 2026-11-28.
 */

export type Token = number;

export type LlamaModule = {
  readonly getLlama: (options: {
    readonly build: "never";
    readonly gpu: false;
    readonly logLevel: string;
    readonly progressLogs: false;
  }) => Promise<Llama>;
  readonly LlamaChat: new (options: {
    readonly contextSequence: Sequence;
    readonly chatWrapper: ChatWrapper;
    readonly autoDisposeSequence: false;
  }) => LlamaChat;
  readonly LlamaCompletion: new (options: {
    readonly contextSequence: Sequence;
    readonly autoDisposeSequence: false;
  }) => LlamaCompletion;
  readonly resolveChatWrapper: (model: Model) => ChatWrapper;
};

export type Llama = {
  readonly loadModel: (options: { readonly modelPath: string }) => Promise<Model>;
};

export type Model = {
  readonly trainContextSize: number;
  readonly tokenizer: unknown;
  readonly tokenize: (text: string) => readonly Token[];
  readonly createContext: (options: {
    readonly contextSize: number;
    readonly threads: number;
  }) => Promise<{ readonly contextSize: number; readonly getSequence: () => Sequence }>;
  readonly dispose: () => Promise<void>;
};

export type Sequence = {
  readonly clearHistory: () => Promise<void>;
  readonly tokenMeter: {
    readonly getState: () => unknown;
    readonly diff: (before: unknown) => {
      readonly usedInputTokens: number;
      readonly usedOutputTokens: number;
    };
  };
};

export type ChatTurn =
  | { readonly type: "system" | "user"; readonly text: string }
  | { readonly type: "model"; readonly response: readonly string[] };

export type ChatWrapper = {
  readonly generateContextState: (options: { readonly chatHistory: readonly ChatTurn[] }) => {
    readonly contextText: { readonly tokenize: (tokenizer: unknown) => readonly Token[] };
  };
};

export type GenerateOptions = {
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly seed?: number;
  readonly customStopTriggers: readonly string[];
  readonly repeatPenalty: {
    readonly penalty?: number;
    readonly frequencyPenalty?: number;
    readonly presencePenalty?: number;
  };
  readonly signal: AbortSignal;
  readonly stopOnAbortSignal: true;
  readonly onTextChunk: (text: string) => void;
  readonly onToken: (tokens: readonly Token[]) => void;
};

export type Metadata = { readonly stopReason: string };

export type LlamaChat = {
  readonly generateResponse: (
    history: readonly ChatTurn[],
    options: GenerateOptions,
  ) => Promise<{ readonly metadata: Metadata }>;
};

export type LlamaCompletion = {
  readonly generateCompletionWithMeta: (
    prompt: string,
    options: GenerateOptions,
  ) => Promise<{ readonly metadata: Metadata }>;
};

/** A name in a variable is not looked for before it is needed. */
const PACKAGE: string = "node-llama-cpp";

export const importLlama = async (): Promise<LlamaModule> => (await import(PACKAGE)) as LlamaModule;
