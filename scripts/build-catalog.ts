/**
 * Makes src/catalog/starter.json from the prices bundled in @pydantic/genai-prices and from the
 * hand-kept src/catalog/starter-extra.json. Offline and deterministic: no clock, no network.
 *
 *   bun scripts/build-catalog.ts            write the file
 *   bun scripts/build-catalog.ts --report   write nothing; say what is in it, what was left out, why
 *   bun scripts/build-catalog.ts --check    write nothing; exit 1 when the file differs
 */
import { readFileSync, writeFileSync } from "node:fs";
import { findProvider, type ModelInfo, type ModelPrice } from "@pydantic/genai-prices";

/** The library says nothing about when a price was read, so its release day stands for it. */
const LIBRARY = { name: "genai-prices", version: "0.1.8", read: "2026-09-23" } as const;

export const STARTER_FILE = new URL("../src/catalog/starter.json", import.meta.url);
const EXTRA_FILE = new URL("../src/catalog/starter-extra.json", import.meta.url);
const LIBRARY_PACKAGE = new URL(
  "../node_modules/@pydantic/genai-prices/package.json",
  import.meta.url,
);

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

const FACTS = [
  "context_length",
  "max_output_tokens",
  "supports_tools",
  "supports_structured_output",
] as const satisfies readonly (keyof Facts)[];

type Offer = Facts & {
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

type Catalog = { readonly read: string; readonly source: string; readonly models: Model[] };

/** What the hand-kept file may hold beside models: corrections to what the library says. */
type Extra = Catalog & {
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

type LeftOut = { readonly provider: string; readonly model: string; readonly why: string };
type Row = { readonly hubId: string; readonly offer: Offer };

/** Hub ids that no rule below would find. The Hub names are those of the models' own pages. */
const HUB_ID_OF: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cohere: {
    "c4ai-aya-expanse-32b": "CohereLabs/aya-expanse-32b",
    "command-a-03-2025": "CohereLabs/c4ai-command-a-03-2025",
    "command-r-08-2024": "CohereLabs/c4ai-command-r-08-2024",
    "command-r-plus-08-2024": "CohereLabs/c4ai-command-r-plus-08-2024",
    "command-r7b-12-2024": "CohereLabs/c4ai-command-r7b-12-2024",
  },
  cerebras: { "gemma-4-31b": "google/gemma-4-31B-it" },
  "fireworks-ai": { "accounts/fireworks/models/minimax-m2p1": "MiniMaxAI/MiniMax-M2.1" },
  novita: {
    "baidu/ernie-4.5-21B-a3b": "baidu/ERNIE-4.5-21B-A3B-PT",
    "baidu/ernie-4.5-vl-28b-a3b": "baidu/ERNIE-4.5-VL-28B-A3B-PT",
    "baidu/ernie-4.5-vl-424b-a47b": "baidu/ERNIE-4.5-VL-424B-A47B-Base-PT",
    // What the router lists as plain R1 and V3, at these prices, are Novita's "turbo" deployments.
    "deepseek/deepseek-r1-turbo": "deepseek-ai/DeepSeek-R1",
    "deepseek/deepseek-v3-turbo": "deepseek-ai/DeepSeek-V3",
    "meta-llama/llama-3-70b-instruct": "meta-llama/Meta-Llama-3-70B-Instruct",
    "meta-llama/llama-3-8b-instruct": "meta-llama/Meta-Llama-3-8B-Instruct",
    "microsoft/wizardlm-2-8x22b": "alpindale/WizardLM-2-8x22B",
    "moonshotai/kimi-k2-0905": "moonshotai/Kimi-K2-Instruct-0905",
    "qwen/qwen3-235b-a22b-fp8": "Qwen/Qwen3-235B-A22B",
    "qwen/qwen3-30b-a3b-fp8": "Qwen/Qwen3-30B-A3B",
    "qwen/qwen3-32b-fp8": "Qwen/Qwen3-32B",
    "sao10k/l3-8b-lunaris": "Sao10K/L3-8B-Lunaris-v1",
  },
  ovhcloud: {
    "Meta-Llama-3_3-70B-Instruct": "meta-llama/Llama-3.3-70B-Instruct",
    "Mistral-7B-Instruct-v0.3": "mistralai/Mistral-7B-Instruct-v0.3",
    "Mistral-Small-3.2-24B-Instruct-2506": "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
    "Mixtral-8x7B-Instruct-v0.1": "mistralai/Mixtral-8x7B-Instruct-v0.1",
  },
  publicai: {
    // Their API writes these two in lower case and without the month.
    "swiss-ai/apertus-70b-instruct": "swiss-ai/Apertus-70B-Instruct-2509",
    "swiss-ai/apertus-8b-instruct": "swiss-ai/Apertus-8B-Instruct-2509",
  },
  together: { "Qwen/Qwen2.5-7B-Instruct-Turbo": "Qwen/Qwen2.5-7B-Instruct" },
};

/** The library names these by an alias; the id is the dated one of the provider's model page. */
const DATED_ID_OF: Readonly<Record<string, string>> = {
  "command-a": "command-a-03-2025",
  "command-r": "command-r-08-2024",
  "command-r-plus": "command-r-plus-08-2024",
  "command-r7b": "command-r7b-12-2024",
};

/**
 * The library mixes chat models with those that only answer on other routes (Responses, audio,
 * images, legacy completions) and with prices copied from resellers, and does not mark which.
 */
const OPENAI_CHAT = new Set(
  `gpt-3.5-turbo gpt-4 gpt-4-turbo gpt-4.1 gpt-4.1-mini gpt-4.1-nano gpt-4o gpt-4o-mini gpt-5
  gpt-5-mini gpt-5-nano gpt-5.1 gpt-5.2 gpt-5.4 gpt-5.4-mini gpt-5.4-nano gpt-5.5 gpt-5.6-luna
  gpt-5.6-sol gpt-5.6-terra gpt-6-astra gpt-6-luna gpt-6-sol o1 o3 o3-mini o4-mini`.split(/\s+/),
);

type Finder = (id: string, names: Names) => string | undefined;

/** Lists by the provider's own ids: the Hub id must be found. These are the provider's prices. */
const BY_PROVIDER_ID: readonly {
  readonly provider: string;
  readonly library: string;
  readonly ownId: (model: ModelInfo) => string | undefined;
  readonly hubId: Finder;
}[] = [
  // Baseten's Model APIs are called by Hub id (docs.baseten.co, Model APIs overview).
  { provider: "baseten", library: "baseten", ownId: plainId, hubId: (id) => id },
  { provider: "cerebras", library: "cerebras", ownId: plainId, hubId: joined("cerebras") },
  {
    provider: "cohere",
    library: "cohere",
    ownId: (model) => DATED_ID_OF[model.id] ?? model.id,
    hubId: (id) => HUB_ID_OF.cohere?.[id],
  },
  {
    provider: "fireworks-ai",
    library: "fireworks",
    ownId: firstExactMatch,
    hubId: joined("fireworks-ai"),
  },
  { provider: "groq", library: "groq", ownId: plainId, hubId: joined("groq") },
  {
    provider: "openai",
    library: "openai",
    ownId: plainId,
    hubId: (id) => (OPENAI_CHAT.has(id) ? `openai/${id}` : undefined),
  },
  { provider: "ovhcloud", library: "ovhcloud", ownId: plainId, hubId: joined("ovhcloud") },
  {
    // The library writes the Hub's capitals; the API takes lower case and the library matches it.
    provider: "zai-org",
    library: "zai",
    ownId: (model) => model.id.toLowerCase(),
    hubId: joined("zai-org"),
  },
];

/** Lists by Hub id, as Hugging Face's router saw them: the provider's own id must be found. */
const BY_HUB_ID: readonly {
  readonly provider: string;
  readonly library: string;
  readonly ownId: Finder;
}[] = [
  // Novita's own list in the library dates from early 2025, so only its ids are used.
  { provider: "novita", library: "huggingface_novita", ownId: listed("novita") },
  // Nscale is called by Hub id (docs.nscale.com, Chat).
  { provider: "nscale", library: "huggingface_nscale", ownId: (id) => id },
  // Public AI is called by Hub id but for the two above (huggingface.co/docs, PublicAI).
  {
    provider: "publicai",
    library: "huggingface_publicai",
    ownId: (id, names) => names.aliases("publicai").get(id) ?? id,
  },
  // Together mostly keeps Hub ids, and retires models often: only ids its listing shows count.
  { provider: "together", library: "huggingface_together", ownId: listed("together") },
];

const SKIPPED_LISTS: readonly LeftOut[] = [
  ["together", "together", "an old price list, mostly of retired models; see huggingface_together"],
  ["novita", "novita", "prices of early 2025; only its ids are used"],
  ["cerebras", "huggingface_cerebras", "its one model was retired on 2026-05-27"],
  ["fireworks-ai", "huggingface_fireworks-ai", "the provider's own list is newer"],
  ["groq", "huggingface_groq", "the provider's own list is newer"],
  ["ovhcloud", "huggingface_ovhcloud", "the provider's own list holds the same prices and more"],
].map(([provider = "", list = "", why = ""]) => ({ provider, model: `all of ${list}`, why }));

/** What is known about names: every Hub id seen anywhere, and each provider's own ids. */
type Names = {
  readonly hubIdLike: (name: string) => string | undefined;
  readonly aliases: (provider: string) => ReadonlyMap<string, string>;
  readonly idsOf: (provider: string) => readonly string[];
};

function plainId(model: ModelInfo): string {
  return model.id;
}

/** Fireworks entries carry a short name; the callable id is what they match on. */
function firstExactMatch(model: ModelInfo): string | undefined {
  const rules = "or" in model.match ? model.match.or : [model.match];
  const [first] = rules;
  return first !== undefined && "equals" in first ? first.equals : undefined;
}

function joined(provider: string): Finder {
  return (id, names) => HUB_ID_OF[provider]?.[id] ?? names.hubIdLike(id);
}

/** The provider's id for a Hub id: an alias, the same text, or the only one with the same name. */
function listed(provider: string): Finder {
  return (hubId, names) => {
    const ids = names.idsOf(provider);
    const alias = names.aliases(provider).get(hubId);
    if (alias !== undefined && ids.includes(alias)) return alias;
    if (ids.includes(hubId)) return hubId;
    const alike = ids.filter((id) => bareName(id) === bareName(hubId));
    return alike.length === 1 ? alike[0] : undefined;
  };
}

/** `accounts/x/models/deepseek-v3p2`, `DeepSeek-V3.2` and `deepseek_v3.2` are one name. */
function bareName(id: string): string {
  const last = id.slice(id.lastIndexOf("/") + 1).toLowerCase();
  return last.replace(/(\d)p(?=\d)/g, "$1").replace(/[^a-z0-9]/g, "");
}

function modelsOf(library: string): readonly ModelInfo[] {
  const found = findProvider({ providerId: library });
  if (found?.id !== library) throw new Error(`genai-prices has no provider ${library}`);
  return found.models;
}

function namesFrom(extra: Extra): Names {
  const hubLists = [
    ...BY_HUB_ID.map((list) => list.library),
    "huggingface_cerebras",
    "huggingface_fireworks-ai",
    "huggingface_groq",
    "huggingface_ovhcloud",
    "baseten",
  ];
  const hubIds = new Map<string, Set<string>>();
  const seen = [
    ...hubLists.flatMap((list) => modelsOf(list).map((model) => model.id)),
    ...extra.models.map((model) => model.id),
  ];
  for (const id of seen) {
    hubIds.set(bareName(id), (hubIds.get(bareName(id)) ?? new Set()).add(id));
  }
  const ownNovita = modelsOf("novita").map((model) => model.id);
  return {
    hubIdLike: (name) => {
      const [only, second] = hubIds.get(bareName(name)) ?? [];
      return second === undefined ? only : undefined;
    },
    aliases: (provider) =>
      new Map(Object.entries(HUB_ID_OF[provider] ?? {}).map(([own, hub]) => [hub, own])),
    idsOf: (provider) => [
      ...new Set([
        ...(extra.provider_ids[provider]?.ids ?? []),
        ...(provider === "novita" ? ownNovita : []),
      ]),
    ],
  };
}

/** The price in force on the library's day, or why there is none that a few numbers tell. */
function priceOf(model: ModelInfo): { price: Price; wholeUpTo?: number } | string {
  const inForce = Array.isArray(model.prices) ? latest(model.prices) : model.prices;
  if (inForce === undefined) return "the price depends on the time of day";
  const { input_mtok, output_mtok, cache_read_mtok, cache_write_mtok } = inForce;
  if (input_mtok === undefined || output_mtok === undefined) return "no price per token of text";
  const tiers = [input_mtok, output_mtok, cache_read_mtok, cache_write_mtok].flatMap((part) =>
    typeof part === "object" ? part.tiers.map((tier) => tier.start) : [],
  );
  const price = {
    input: decimalText(base(input_mtok)),
    output: decimalText(base(output_mtok)),
    ...(cache_read_mtok === undefined ? {} : { cached_input: decimalText(base(cache_read_mtok)) }),
    ...(cache_write_mtok === undefined ? {} : { cache_write: decimalText(base(cache_write_mtok)) }),
  };
  return tiers.length === 0 ? { price } : { price, wholeUpTo: Math.min(...tiers) };
}

function latest(prices: Exclude<ModelInfo["prices"], ModelPrice>): ModelPrice | undefined {
  if (prices.some((entry) => entry.constraint?.type === "time_of_date")) return undefined;
  const startOf = (entry: (typeof prices)[number]) =>
    entry.constraint?.type === "start_date" ? entry.constraint.start_date : "";
  return prices
    .filter((entry) => startOf(entry) <= LIBRARY.read)
    .toSorted((a, b) => compare(startOf(a), startOf(b)))
    .at(-1)?.prices;
}

function base(part: NonNullable<ModelPrice[string]>): number {
  return typeof part === "number" ? part : part.base;
}

/** Nine decimals is a nano-dollar per million tokens; the library's floats carry noise beyond. */
function decimalText(dollars: number): string {
  const text = dollars.toFixed(9).replace(/\.?0+$/, "");
  if (Math.abs(Number(text) - dollars) > 1e-12) throw new Error(`${dollars} has more decimals`);
  return text;
}

function offerOf(
  model: ModelInfo,
  as: { provider: string; ownId: string; library: string },
): Offer | string {
  const found = priceOf(model);
  if (typeof found === "string") return found;
  // Above a tier's start the base price is wrong, so the window ends there.
  const windows = [model.context_window, found.wholeUpTo].filter((size) => size !== undefined);
  return {
    provider: as.provider,
    provider_model: as.ownId,
    status: "live",
    ...(windows.length === 0 ? {} : { context_length: Math.min(...windows) }),
    price: found.price,
    source: `${LIBRARY.name} ${LIBRARY.version} ${as.library}`,
    read: LIBRARY.read,
  };
}

function rowsFromLibrary(extra: Extra): { rows: Row[]; leftOut: LeftOut[] } {
  const names = namesFrom(extra);
  const rows: Row[] = [];
  const leftOut: LeftOut[] = [...SKIPPED_LISTS];
  const add = (
    model: ModelInfo,
    ids: { provider: string; library: string; ownId?: string; hubId?: string; missing: string },
  ) => {
    const { provider, library, ownId, hubId } = ids;
    const drop = (why: string) => leftOut.push({ provider, model: model.id, why });
    const gone = extra.left_out.find(
      (entry) => entry.provider === provider && entry.provider_model === ownId,
    );
    if (gone !== undefined) return drop(gone.why);
    if (model.deprecated === true) return drop("marked as retired by the library");
    if (ownId === undefined || hubId === undefined) return drop(ids.missing);
    const offer = offerOf(model, { provider, ownId, library });
    if (typeof offer === "string") return drop(offer);
    if (rows.some((row) => row.hubId === hubId && row.offer.provider === provider)) {
      return drop(`another id of this provider already serves ${hubId}`);
    }
    return rows.push({ hubId, offer });
  };
  for (const { provider, library, ...list } of BY_PROVIDER_ID) {
    for (const model of modelsOf(library)) {
      const ownId = list.ownId(model);
      const hubId = ownId === undefined ? undefined : list.hubId(ownId, names);
      const missing =
        provider === "openai" ? "not a chat model of OpenAI's own list" : "no Hub id known for it";
      add(model, { provider, library, missing, ...defined({ ownId, hubId }) });
    }
  }
  for (const { provider, library, ...list } of BY_HUB_ID) {
    for (const model of modelsOf(library)) {
      const ownId = list.ownId(model.id, names);
      const missing = "no listing of the provider shows an id for it";
      add(model, { provider, library, missing, hubId: model.id, ...defined({ ownId }) });
    }
  }
  return { rows, leftOut };
}

function defined<T extends Record<string, string | undefined>>(record: T) {
  const kept = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof T]?: string };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Later rows replace earlier ones of the same model and provider. */
function catalogOf(rows: readonly Row[], extra: Extra): Catalog {
  const models = new Map<string, Map<string, Offer>>();
  for (const { hubId, offer } of rows) {
    const offers = models.get(hubId) ?? new Map<string, Offer>();
    models.set(hubId, offers.set(offer.provider, withFacts(offer, extra)));
  }
  return {
    read: [LIBRARY.read, extra.read].toSorted(compare).at(-1) ?? LIBRARY.read,
    source: `${LIBRARY.name} ${LIBRARY.version} and starter-extra.json, by scripts/build-catalog.ts`,
    models: [...models.entries()]
      .toSorted(([a], [b]) => compare(a, b))
      .map(([id, offers]) => ({
        id,
        task: "conversational",
        providers: [...offers.values()].toSorted((a, b) => compare(a.provider, b.provider)),
      })),
  };
}

function withFacts(offer: Offer, extra: Extra): Offer {
  const { provider, provider_model, status, price, source, read, ...own } = offer;
  const known = { ...extra.facts[provider]?.[provider_model], ...own };
  const facts = Object.fromEntries(
    FACTS.flatMap((name) => (known[name] === undefined ? [] : [[name, known[name]]])),
  );
  const isFree = Object.values(price).every((each) => Number(each) === 0);
  const free = isFree ? ({ is_free: true } as const) : {};
  return { provider, provider_model, status, ...facts, price, ...free, source, read };
}

/** One line an offer, so a change of price is a change of one line. */
function printed(catalog: Catalog): string {
  const models = catalog.models.map((model) => {
    const offers = model.providers.map((offer) => `      ${JSON.stringify(offer)}`).join(",\n");
    const head = `"id": ${JSON.stringify(model.id)}, "task": ${JSON.stringify(model.task)}`;
    return `    { ${head}, "providers": [\n${offers}\n    ] }`;
  });
  const head = `  "read": "${catalog.read}",\n  "source": ${JSON.stringify(catalog.source)},`;
  return `{\n${head}\n  "models": [\n${models.join(",\n")}\n  ]\n}\n`;
}

export function buildStarter(): { text: string; catalog: Catalog; leftOut: readonly LeftOut[] } {
  const installed = JSON.parse(readFileSync(LIBRARY_PACKAGE, "utf8")) as { version: string };
  if (installed.version !== LIBRARY.version) {
    throw new Error(
      `genai-prices ${installed.version} is installed: update LIBRARY and its release day`,
    );
  }
  const extra = JSON.parse(readFileSync(EXTRA_FILE, "utf8")) as Extra;
  const { rows, leftOut } = rowsFromLibrary(extra);
  const handKept = extra.models.flatMap((model) =>
    model.providers.map((offer) => ({ hubId: model.id, offer })),
  );
  const catalog = catalogOf([...rows, ...handKept], extra);
  return { text: printed(catalog), catalog, leftOut };
}

function report(catalog: Catalog, leftOut: readonly LeftOut[]): string {
  const offers = catalog.models.flatMap((model) => model.providers);
  const providers = [...new Set([...offers, ...leftOut].map((entry) => entry.provider))];
  const counts = providers.toSorted(compare).map((provider) => {
    const inside = offers.filter((offer) => offer.provider === provider).length;
    const outside = leftOut.filter((entry) => entry.provider === provider).length;
    return `${provider}: ${inside} in the catalog, ${outside} left out`;
  });
  const reasons = leftOut
    .map((entry) => `${entry.provider}  ${entry.model}: ${entry.why}`)
    .toSorted(compare);
  const total = `${catalog.models.length} models, ${offers.length} offers`;
  return [total, ...counts, "", "left out:", ...reasons].join("\n");
}

function main(flags: readonly string[]): number {
  const { text, catalog, leftOut } = buildStarter();
  if (flags.includes("--report")) console.log(report(catalog, leftOut));
  if (flags.includes("--check")) {
    if (readFileSync(STARTER_FILE, "utf8") === text) return 0;
    console.error("src/catalog/starter.json is out of step: run scripts/build-catalog.ts");
    return 1;
  }
  if (!flags.includes("--report")) writeFileSync(STARTER_FILE, text);
  return 0;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
