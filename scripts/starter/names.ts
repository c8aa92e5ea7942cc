/** One model has many names: its id at the Hub, and each provider's own. */
import type { ModelInfo } from "@pydantic/genai-prices";
import { HUB_ID_OF } from "./hub-ids.js";
import { modelsOf } from "./library.js";
import type { Extra } from "./shapes.js";

/** What is known about names: every Hub id seen anywhere, and each provider's own ids. */
export type Names = {
  readonly hubIdLike: (name: string) => string | undefined;
  readonly aliases: (provider: string) => ReadonlyMap<string, string>;
  readonly idsOf: (provider: string) => readonly string[];
};

/** Finds the other name for an id; undefined where there is none for certain. */
export type Finder = (id: string, names: Names) => string | undefined;

/** For lists whose ids are the provider's own. */
export function plainId(model: ModelInfo): string {
  return model.id;
}

/** Fireworks entries carry a short name; the callable id is what they match on. */
export function firstExactMatch(model: ModelInfo): string | undefined {
  const rules = "or" in model.match ? model.match.or : [model.match];
  const [first] = rules;
  return first !== undefined && "equals" in first ? first.equals : undefined;
}

/** The Hub id for a provider's own: one that was looked up, or the only one that is spelt alike. */
export function joined(provider: string): Finder {
  return (id, names) => HUB_ID_OF[provider]?.[id] ?? names.hubIdLike(id);
}

/** The provider's id for a Hub id: an alias, the same text, or the only one with the same name. */
export function listed(provider: string): Finder {
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

/** `byHubId` are the library's lists that go by Hub ids. */
export function namesFrom(extra: Extra, byHubId: readonly string[]): Names {
  const hubIds = new Map<string, Set<string>>();
  const seen = [
    ...byHubId.flatMap((list) => modelsOf(list).map((model) => model.id)),
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
