/** The starter catalog and what it is made from, as they stand in their files. */

/** USD per million tokens, as decimal text. */
type Price = {
  readonly input: string;
  readonly output: string;
  readonly cached_input?: string;
  readonly cache_write?: string;
};

type Facts = {
  readonly context_length?: number;
  readonly max_output_tokens?: number;
  readonly supports_tools?: boolean;
  readonly supports_structured_output?: boolean;
};

export const FACTS = [
  "context_length",
  "max_output_tokens",
  "supports_tools",
  "supports_structured_output",
] as const satisfies readonly (keyof Facts)[];

export type Offer = Facts & {
  readonly provider: string;
  readonly provider_model: string;
  readonly status: "live";
  readonly price: Price;
  /** Said, since a price of nothing by itself is taken for a mistake. */
  readonly is_free?: true;
  readonly source: string;
  readonly read: string;
};

type Model = { readonly id: string; readonly task: string; readonly providers: readonly Offer[] };

export type Catalog = { readonly read: string; readonly source: string; readonly models: Model[] };

/** What the hand-kept file may hold beside models: corrections to what the library says. */
export type Extra = Catalog & {
  /** Offers of the library that are gone or contradicted by something newer. */
  readonly left_out: readonly {
    readonly provider: string;
    readonly provider_model: string;
    readonly why: string;
    readonly source: string;
    readonly read: string;
  }[];
  /** Ids seen in a provider's own listing, where the library knows only the Hub id. */
  readonly provider_ids: Readonly<Record<string, { readonly ids: readonly string[] }>>;
  /** Limits and abilities, which the library does not hold, by provider and the provider's id. */
  readonly facts: Readonly<Record<string, Readonly<Record<string, Facts>>>>;
};

export type LeftOut = { readonly provider: string; readonly model: string; readonly why: string };
export type Row = { readonly hubId: string; readonly offer: Offer };

/** Orders texts as their code units do, on every machine alike. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
