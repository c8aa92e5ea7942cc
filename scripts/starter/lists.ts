/** Which of the library's lists are read, and how each names its models. */
import type { ModelInfo } from "@pydantic/genai-prices";
import { DATED_ID_OF, HUB_ID_OF, OPENAI_CHAT } from "./hub-ids.js";
import { type Finder, firstExactMatch, joined, listed, plainId } from "./names.js";
import type { LeftOut } from "./shapes.js";

/** Lists by the provider's own ids: the Hub id must be found. These are the provider's prices. */
export const BY_PROVIDER_ID: readonly {
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
export const BY_HUB_ID: readonly {
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

export const SKIPPED_LISTS: readonly LeftOut[] = [
  ["together", "together", "an old price list, mostly of retired models; see huggingface_together"],
  ["novita", "novita", "prices of early 2025; only its ids are used"],
  ["cerebras", "huggingface_cerebras", "its one model was retired on 2026-05-27"],
  ["fireworks-ai", "huggingface_fireworks-ai", "the provider's own list is newer"],
  ["groq", "huggingface_groq", "the provider's own list is newer"],
  ["ovhcloud", "huggingface_ovhcloud", "the provider's own list holds the same prices and more"],
].map(([provider = "", list = "", why = ""]) => ({ provider, model: `all of ${list}`, why }));

/** All lists by Hub id, also those whose prices are not used: from them we know which Hub ids there are. */
export const HUB_LISTS: readonly string[] = [
  ...BY_HUB_ID.map((list) => list.library),
  "huggingface_cerebras",
  "huggingface_fireworks-ai",
  "huggingface_groq",
  "huggingface_ovhcloud",
  "baseten",
];
