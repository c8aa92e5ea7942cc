/** Text Generation Inference's own form, which the Python client speaks. */
import { z } from "zod";
import { badInput } from "../../refusal.js";
import { type Input, readJson } from "../input.js";
import type { Ending, Piece, Prompt, Wanted } from "./writer.js";

export type TgiRequest = {
  readonly prompt: Prompt & { readonly kind: "text" };
  readonly wanted: Wanted;
  readonly isStream: boolean;
  readonly wantsDetails: boolean;
  readonly repeatsPrompt: boolean;
};

/** What TGI itself gives where nothing is said. */
const NEW_TOKENS_DEFAULT = 100;

const parameters = z.looseObject({
  max_new_tokens: z.int().min(1).max(1_000_000).nullish(),
  temperature: z.number().gt(0).max(100).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(1).nullish(),
  seed: z.int().min(0).max(0xffff_ffff).nullish(),
  stop: z.array(z.string().min(1)).max(16).nullish(),
  stop_sequences: z.array(z.string().min(1)).max(16).nullish(),
  repetition_penalty: z.number().gt(0).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  do_sample: z.boolean().nullish(),
  details: z.boolean().nullish(),
  return_full_text: z.boolean().nullish(),
});

const KNOWN = new Set(Object.keys(parameters.shape));

const body = z.object({
  inputs: z.string().min(1, "is empty"),
  parameters: parameters.nullish(),
  stream: z.boolean().nullish(),
});

export function readTgi(input: Input): TgiRequest {
  const { inputs, parameters: given, stream } = readJson(input, body);
  refuseUnknown(given ?? {});
  return {
    prompt: { kind: "text", text: inputs },
    wanted: wantedOf(given ?? {}),
    isStream: stream === true,
    wantsDetails: given?.details === true,
    repeatsPrompt: given?.return_full_text === true,
  };
}

const wantedOf = (given: z.output<typeof parameters>): Wanted => ({
  maxTokens: given.max_new_tokens ?? NEW_TOKENS_DEFAULT,
  // It samples only where it is told to, or is given how.
  temperature: given.do_sample === false ? 0 : (given.temperature ?? (given.do_sample ? 1 : 0)),
  topP: given.top_p ?? undefined,
  topK: given.top_k ?? undefined,
  seed: given.seed ?? undefined,
  stop: given.stop ?? given.stop_sequences ?? [],
  repetitionPenalty: given.repetition_penalty ?? undefined,
  frequencyPenalty: given.frequency_penalty ?? undefined,
});

/** In the words from which the Python client learns what to leave out. */
function refuseUnknown(given: Readonly<Record<string, unknown>>): void {
  const isSaid = (value: unknown): boolean =>
    value !== null && value !== undefined && value !== false;
  const unknown = Object.keys(given).filter((name) => !KNOWN.has(name) && isSaid(given[name]));
  if (unknown.length === 0) return;
  const list = unknown.map((name) => `'${name}'`).join(", ");
  throw badInput(`The following \`model_kwargs\` are not used by the model: [${list}]`);
}

const FINISH = { end: "eos_token", length: "length", stop_sequence: "stop_sequence" } as const;

const detailsOf = (ending: Ending, { seed }: Wanted) => ({
  finish_reason: FINISH[ending.reason],
  generated_tokens: ending.outputTokens,
  seed: seed ?? null,
});

export const wholeTgi = (request: TgiRequest, text: string, ending: Ending) => [
  {
    generated_text: request.repeatsPrompt ? request.prompt.text + text : text,
    ...(request.wantsDetails && {
      details: { ...detailsOf(ending, request.wanted), prefill: [], tokens: [] },
    }),
  },
];

/** The last one has no text of its own: which piece is the last is only known after it. */
export const partTgi = (index: number, { text, tokenId }: Piece) => ({
  index,
  token: { id: tokenId, text, logprob: null, special: false },
  generated_text: null,
  details: null,
});

export const lastTgi = (index: number, text: string, request: TgiRequest, ending: Ending) => ({
  index,
  token: { id: 0, text: "", logprob: null, special: true },
  generated_text: request.repeatsPrompt ? request.prompt.text + text : text,
  details: { ...detailsOf(ending, request.wanted), input_length: ending.inputTokens },
});
