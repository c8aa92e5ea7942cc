/** What providers say now, next to what the catalog says of them. Pure: what to do about it is decided elsewhere. */
import { type Task, TOKEN_TASKS } from "../tasks/index.js";
import type { Unit } from "../tasks/usage.js";
import type { Catalog } from "./catalog.js";
import type { Mapping, Price } from "./model.js";
import { factsIn, type NewMapping } from "./stored.js";

/** A model as its provider lists it. */
export type Listed = {
  readonly id: string;
  readonly task?: Task;
  readonly contextLength?: number;
  readonly maxOutputTokens?: number;
  readonly supportsTools?: boolean;
  readonly price?: Price;
};

/** A provider's mapping of a model by the Hub's word. */
export type HubMapping = {
  readonly modelId: string;
  readonly task: Task;
  readonly providerModel: string;
};

export type Said = {
  readonly provider: string;
  /** Undefined: it has no list, or was not asked. */
  readonly listed: readonly Listed[] | undefined;
  readonly hasHubIds: boolean;
  readonly hub: readonly HubMapping[];
  /** What requests of a task can be charged by: a list prints the same units for all of its models. */
  readonly unitsOf: (task: Task) => readonly Unit[];
  /** Where a price of its list comes from, for people. */
  readonly source: string;
  /** The same for what the Hub alone says. */
  readonly hubSource: string;
};

export type SyncChange = {
  /** `gone`: no longer listed. `back`: listed again. */
  readonly kind: "new" | "gone" | "back" | "changed";
  /** What the catalog says; undefined for a new one. */
  readonly before: Mapping | undefined;
  readonly after: NewMapping;
  /** The operator's file, where that says otherwise: nothing is written then. */
  readonly keptBy: string | undefined;
};

export type Comparison = {
  readonly changes: readonly SyncChange[];
  /** Listed models of which nobody says which model of the Hub they are. */
  readonly unmapped: readonly string[];
};

export const SET_BY = "sync";

/** What is different between what a provider and the Hub say and what the catalog has of that provider. */
export function compare(catalog: Catalog, said: Said): Comparison {
  const own = [...catalog.all()].flatMap(({ mappings }) =>
    mappings
      .filter(({ provider, tags }) => provider === said.provider && tags === undefined)
      // As they were written: what was found out about them is laid over again.
      .map((mapping) => catalog.stated(mapping)),
  );
  const comparing = new Comparing(catalog, said, own);
  for (const listed of said.listed ?? []) comparing.takeListed(listed);
  for (const mapping of said.hub) comparing.takeHubMapping(mapping);
  if (said.listed) comparing.missAbsent(said.listed);
  return { changes: comparing.changes, unmapped: comparing.unmapped };
}

class Comparing {
  readonly changes: SyncChange[] = [];
  readonly unmapped: string[] = [];
  private readonly seen = new Set<Mapping>();
  private readonly catalog: Catalog;
  private readonly said: Said;
  private readonly own: readonly Mapping[];
  private readonly byName: ReadonlyMap<string, readonly Mapping[]>;
  private readonly hubByName: ReadonlyMap<string, readonly HubMapping[]>;
  private readonly byKey: ReadonlyMap<string, Mapping>;
  private readonly added = new Set<string>();

  constructor(catalog: Catalog, said: Said, own: readonly Mapping[]) {
    this.catalog = catalog;
    this.said = said;
    this.own = own;
    this.byName = Map.groupBy(own, ({ providerModel }) => providerModel);
    this.hubByName = Map.groupBy(said.hub, ({ providerModel }) => providerModel);
    this.byKey = new Map(own.map((mapping) => [keyOf(mapping), mapping]));
  }

  takeListed(listed: Listed): void {
    const known = this.byName.get(listed.id) ?? [];
    for (const mapping of known) this.put(mapping, mapping.providerModel, listed);
    if (known.length > 0) return;
    const mappings = this.mappingsFor(listed);
    if (mappings.length === 0) this.unmapped.push(listed.id);
    for (const { modelId, task } of mappings) {
      const before = this.byKey.get(keyOf({ modelId: this.catalog.currentId(modelId), task }));
      if (before) this.put(before, listed.id, listed);
      else this.add(modelId, task, listed);
    }
  }

  /** What is on no list of its provider's, because that has none or has it not for this task. */
  takeHubMapping({ modelId, task, providerModel }: HubMapping): void {
    const isListed = this.said.listed !== undefined && TOKEN_TASKS.includes(task);
    const key = keyOf({ modelId: this.catalog.currentId(modelId), task });
    if (isListed || this.byKey.has(key) || this.added.has(key)) return;
    this.add(modelId, task, { id: providerModel });
  }

  missAbsent(listed: readonly Listed[]): void {
    const ids = new Set(listed.map(({ id }) => id));
    for (const mapping of this.own) {
      const { task, status, providerModel } = mapping;
      const isCovered = TOKEN_TASKS.includes(task) && status === "live";
      if (!isCovered || this.seen.has(mapping) || ids.has(providerModel)) continue;
      const after = { ...asWritten(mapping), status: "error" as const };
      this.change("gone", mapping, { ...after, facts: { ...after.facts, isGone: true } });
    }
  }

  /** By the Hub's word, else by the provider's own names where those are the Hub's. */
  private mappingsFor({ id, task }: Listed): readonly Pick<HubMapping, "modelId" | "task">[] {
    const said = this.hubByName.get(id);
    if (said) return said;
    return this.said.hasHubIds && task && HUB_ID.test(id) ? [{ modelId: id, task }] : [];
  }

  private put(mapping: Mapping, providerModel: string, listed: Listed): void {
    this.seen.add(mapping);
    const written = asWritten(mapping);
    const price = priceAfter(mapping, this.priceOf(mapping.task, listed));
    const isBack = mapping.isGone === true;
    const after: NewMapping = {
      ...written,
      providerModel,
      status: isBack ? "live" : mapping.status,
      facts: {
        ...written.facts,
        ...(listed.contextLength !== undefined && { contextLength: listed.contextLength }),
        ...(isBack && { isGone: false }),
      },
      price: price
        ? { price, isFree: false, source: this.said.source, setBy: SET_BY }
        : written.price,
    };
    const isChanged =
      price !== undefined ||
      providerModel !== mapping.providerModel ||
      after.facts.contextLength !== mapping.contextLength;
    if (isBack || isChanged) this.change(isBack ? "back" : "changed", mapping, after);
  }

  private add(modelId: string, task: Task, listed: Listed): void {
    const { source, hubSource, provider } = this.said;
    const price = this.priceOf(task, listed);
    this.added.add(keyOf({ modelId, task }));
    this.changes.push({
      kind: "new",
      before: undefined,
      after: {
        ...{ provider, task, subject: { kind: "model", model: modelId } },
        ...{ providerModel: listed.id, status: "live" },
        facts: {
          ...(listed.contextLength !== undefined && { contextLength: listed.contextLength }),
          ...(listed.maxOutputTokens !== undefined && { maxOutputTokens: listed.maxOutputTokens }),
          ...(listed.supportsTools !== undefined && { supportsTools: listed.supportsTools }),
        },
        price: {
          ...{ price, isFree: false, setBy: SET_BY },
          source: this.said.listed ? source : hubSource,
        },
      },
      keptBy: undefined,
    });
  }

  private priceOf(task: Task, { price = {} }: Listed): Price | undefined {
    const units = this.said.unitsOf(task).filter((unit) => price[unit] !== undefined);
    if (units.length === 0) return undefined;
    return Object.fromEntries(units.map((unit) => [unit, price[unit]]));
  }

  private change(kind: SyncChange["kind"], before: Mapping, after: NewMapping): void {
    const keptBy = this.catalog.inFile(before)?.source;
    this.changes.push({ kind, before, after, keptBy });
  }
}

/** A Hub id as it can be told from a name of the provider's own. */
const HUB_ID = /^[\w.-]+\/[\w.-]+$/;

const keyOf = ({ modelId, task }: { readonly modelId: string; readonly task: Task }): string =>
  `${task} ${modelId}`;

/** Undefined where the list says nothing else than what holds. Units that it does not name stay what they were. */
function priceAfter({ price = {}, isFree }: Mapping, listed: Price | undefined): Price | undefined {
  if (!listed || isFree) return undefined;
  const after: Price = { ...price, ...listed };
  const units = Object.keys(after) as (keyof Price)[];
  return units.some((unit) => after[unit] !== price[unit]) ? after : undefined;
}

function asWritten(mapping: Mapping): NewMapping {
  const { provider, task, modelId, providerModel, status, price, isFree, source } = mapping;
  return {
    ...{ provider, task, subject: { kind: "model", model: modelId }, providerModel, status },
    facts: factsIn(mapping),
    price: { price, isFree, source, setBy: SET_BY },
  };
}
