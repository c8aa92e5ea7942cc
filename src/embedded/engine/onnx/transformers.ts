/**
 * What is used of transformers.js 4. It is an optional package, so that these types stand here rather than there.
 * Source: its own type declarations, version 4.3.2.
 */

export type TransformersModule = {
  readonly env: {
    allowRemoteModels: boolean;
    localModelPath: string;
    useFSCache: boolean;
  };
  readonly pipeline: (
    task: string,
    model: string,
    options: { readonly dtype: "q8" | "fp32"; readonly device: "cpu" },
  ) => Promise<Pipeline>;
  readonly RawImage: new (
    pixels: Uint8ClampedArray,
    width: number,
    height: number,
    channels: 3,
  ) => unknown;
};

export type Tensor = { readonly tolist: () => unknown };

/** What it takes and answers depends on the task. */
export type Pipeline = {
  (...input: readonly unknown[]): Promise<unknown>;
  readonly tokenizer?: { readonly mask_token?: string };
  readonly dispose: () => Promise<unknown>;
};

/** A name in a variable is not looked for before it is needed. */
const PACKAGE: string = "@huggingface/transformers";

export const importTransformers = async (): Promise<TransformersModule> =>
  (await import(PACKAGE)) as TransformersModule;
