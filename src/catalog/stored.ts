/** What is kept in the store of models, mappings and prices, and what the catalog asks of it. */
import type { Task } from "../tasks/index.js";
import type { Mapping, MappingStatus, Price } from "./model.js";

/** What a mapping is for: one model, or every model that carries all of these tags. */
export type Subject =
  | { readonly kind: "model"; readonly model: string }
  /** Sorted, each once. */
  | { readonly kind: "tags"; readonly tags: readonly string[] };

/** The name of a subject, as the partner API lists it. Source: spec/providers.md 6.1. */
export const nameOf = (subject: Subject): string =>
  subject.kind === "model" ? subject.model : `${TAGS_PREFIX}${subject.tags.join(",")}`;

const TAGS_PREFIX = "tag-filter=";

/** The other way round. */
export const subjectNamed = (name: string): Subject =>
  name.startsWith(TAGS_PREFIX)
    ? { kind: "tags", tags: name.slice(TAGS_PREFIX.length).split(",") }
    : { kind: "model", model: name };

/** A tag filter; the order of tags does not matter, nor how often one is named. */
export const tagsSubject = (tags: readonly string[]): Subject => ({
  kind: "tags",
  tags: [...new Set(tags)].sort(),
});

/** What of a mapping is neither its identity nor its price. */
export type MappingFacts = Pick<
  Mapping,
  | "contextLength"
  | "maxOutputTokens"
  | "supportsTools"
  | "supportsStructuredOutput"
  | "inputModalities"
  | "retainsPrompts"
  | "isModelAuthor"
  | "loraWeights"
  | "hardware"
  | "isGone"
>;

const FACTS = [
  ...(["contextLength", "maxOutputTokens", "supportsTools", "supportsStructuredOutput"] as const),
  ...(["isModelAuthor", "loraWeights", "hardware", "isGone"] as const),
];

/** Those of a mapping that were said. */
export const factsIn = (mapping: Mapping): MappingFacts =>
  Object.fromEntries(
    FACTS.flatMap((name) => (mapping[name] === undefined ? [] : [[name, mapping[name]]])),
  );

/** Which mapping of a provider's; there is one for each. */
export type MappingKey = {
  readonly provider: string;
  readonly task: Task;
  readonly subject: Subject;
};

/** Which row a mapping is of, or would be. */
export const keyOf = ({ provider, task, modelId, tags }: Mapping): MappingKey => ({
  ...{ provider, task },
  subject: tags ? tagsSubject(tags) : { kind: "model", model: modelId },
});

/** A price as it is written down. */
export type NewPrice = {
  /** Undefined: none, so only callers with a key of their own can use it. */
  readonly price: Price | undefined;
  readonly isFree: boolean;
  /** Where it comes from, for people. */
  readonly source: string;
  /** The user or the command that wrote it down. */
  readonly setBy: string;
};

/** A price from then on, until the next one. */
export type PriceEntry = NewPrice & {
  /** Milliseconds UTC. */
  readonly validFrom: number;
};

export type NewMapping = MappingKey & {
  readonly providerModel: string;
  readonly status: MappingStatus;
  readonly facts: MappingFacts;
  readonly price: NewPrice;
};

/** A mapping as it is kept, with the price that holds now. */
export type StoredMapping = Omit<NewMapping, "price"> & {
  /** 24 hex characters. */
  readonly id: string;
  readonly price: PriceEntry;
  readonly createdAt: number;
  readonly changedAt: number;
};

/** What is not named stays as it is. */
export type MappingChange = {
  readonly providerModel?: string | undefined;
  readonly status?: MappingStatus | undefined;
  /** Laid over those there are. */
  readonly facts?: MappingFacts | undefined;
  readonly price?: NewPrice | undefined;
};

/** What the Hub says of a model, for tag filters to go by. */
export type KnownModel = {
  readonly id: string;
  /** The task by which the Hub lists it. */
  readonly pipelineTag: string | undefined;
  readonly tags: readonly string[];
  /** For a LoRA adapter: the file of weights in its repository. */
  readonly loraWeights: string | undefined;
  readonly source: string;
  readonly readAt: number;
};

/** A model that goes by another id now. */
export type Rename = { readonly from: string; readonly to: string };

export type KnownRows = {
  readonly models: readonly KnownModel[];
  readonly renames: readonly Rename[];
};

/** Every write is told to all processes, which have it in memory within a second. */
export type MappingStore = {
  readonly loadAll: () => Promise<readonly StoredMapping[]>;
  readonly ofProvider: (provider: string) => Promise<readonly StoredMapping[]>;
  readonly find: (id: string) => Promise<StoredMapping | undefined>;
  /** Undefined where the provider has one for this task and subject. */
  readonly add: (mapping: NewMapping) => Promise<StoredMapping | undefined>;
  /** Adds those that are not there and changes the others; all of them or none. */
  readonly put: (mappings: readonly NewMapping[]) => Promise<void>;
  /** Undefined where there is none. */
  readonly change: (id: string, change: MappingChange) => Promise<StoredMapping | undefined>;
  /** False where there is none. Its prices stay on record. */
  readonly remove: (id: string) => Promise<boolean>;
  /** Newest first. */
  readonly prices: (key: MappingKey) => Promise<readonly PriceEntry[]>;
  readonly loadKnown: () => Promise<KnownRows>;
  readonly putModels: (models: readonly KnownModel[]) => Promise<void>;
  readonly putRenames: (renames: readonly Rename[], setBy: string) => Promise<void>;
  /** False where there is none. */
  readonly removeRename: (from: string) => Promise<boolean>;
};
