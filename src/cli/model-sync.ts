/** Reads what providers and the Hub list, shows what is different here, and writes it into the store where told to. */
import type { Catalog } from "../catalog/catalog.js";
import type { Model } from "../catalog/model.js";
import type { Rename } from "../catalog/stored.js";
import { compare, SET_BY } from "../catalog/sync.js";
import { hubOf } from "../embedded/hub.js";
import { askHub, type HubAnswer } from "../gateway/ask/ask-hub.js";
import type { Asker } from "../gateway/ask/ask-json.js";
import { askModels } from "../gateway/ask/ask-models.js";
import { askRenames } from "../gateway/ask/ask-renames.js";
import { HttpPool } from "../gateway/client/pool.js";
import type { ConfiguredProvider } from "../gateway/parts.js";
import { systemClock } from "../kernel/clock.js";
import { newId } from "../kernel/ids.js";
import { KNOWN_MODELS_MAX } from "../kernel/limits.js";
import { reasonOf } from "../kernel/log.js";
import { printDay } from "../kernel/print-time.js";
import { unitsOf } from "../metering/priceable.js";
import { catalogOf } from "./catalog.js";
import { type CommonOptions, command } from "./command.js";
import { knownProviders, requireKnown } from "./known-providers.js";
import { type Local, withLocal } from "./local.js";
import { printSync, type Synced, syncText } from "./model-sync-print.js";
import { show, UserError } from "./output.js";

type Options = CommonOptions & {
  readonly provider: readonly string[];
  /** False: it is not asked. */
  readonly hub: string | boolean;
  readonly yes: boolean;
};

export const modelSync = command("sync", "what providers and the Hub list now, next to the catalog")
  .option(
    "--provider <id>",
    "this one; may be given again",
    (id, ids: string[]) => [...ids, id],
    [],
  )
  .option("--hub <origin>", "where the Hub is (default HF_ENDPOINT, or https://huggingface.co)")
  .option("--no-hub", "ask the providers alone")
  .option("--yes", "write what is different into the store", false)
  .action((options: Options) =>
    withLocal(options, async (local) => {
      const synced = await syncAll(local, options);
      const written = options.yes ? await write(local, synced) : undefined;
      show(options, printSync(synced, written), () => syncText(synced, written));
      if (synced.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
    }),
  );

async function syncAll(local: Local, options: Options): Promise<readonly SyncedWithModels[]> {
  const providers = await chosen(local, options.provider);
  const catalog = await catalogOf(local);
  const asking: Asking = {
    asker: { http: new HttpPool(), clock: systemClock, limits: local.config.limits, newId },
    catalog,
    hub: hubOrigin(options),
    rename: renamer(local, catalog),
    signal: new AbortController().signal,
    note: options.json ? () => {} : noteProgress,
  };
  const synced: SyncedWithModels[] = [];
  for (const [i, configured] of providers.entries()) {
    asking.note(`${i + 1} of ${providers.length}: ${configured.provider.id}`);
    synced.push(await syncOne(asking, configured));
  }
  asking.note("");
  asking.asker.http.close();
  return synced;
}

type Asking = {
  readonly asker: Asker & { readonly http: HttpPool };
  readonly catalog: Catalog;
  readonly hub: string | undefined;
  /** Has the catalog here know of new ids, so that what is compared next goes by them. */
  readonly rename: (renames: readonly Rename[]) => Promise<void>;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
};

function renamer({ mappings }: Local, catalog: Catalog): Asking["rename"] {
  const found: Rename[] = [];
  return async (renames) => {
    found.push(...renames);
    const known = await mappings.loadKnown();
    catalog.loadKnown({ ...known, renames: [...known.renames, ...found] });
  };
}

type SyncedWithModels = Synced & { readonly models: HubAnswer["models"] };

function hubOrigin({ hub }: Options): string | undefined {
  if (hub === false) return undefined;
  const origin = typeof hub === "string" ? hub : hubOf(process.env).endpoint;
  if (URL.canParse(origin) && /^https?:$/.test(new URL(origin).protocol)) return origin;
  throw new UserError(`--hub: expected an address like https://huggingface.co, not "${origin}"`);
}

/** Those that are named, else all that can be asked: with a key where they want one, and not withdrawn. */
async function chosen(local: Local, named: readonly string[]): Promise<ConfiguredProvider[]> {
  if (named.length > 0) {
    const found = [...new Set(named)].map((id) => requireKnown(local, id));
    return (await Promise.all(found)).map(({ configured }) => configured);
  }
  const known = await knownProviders(local);
  return known
    .filter(({ registration }) => registration?.state !== "withdrawn")
    .map(({ configured }) => configured)
    .filter(({ key, provider }) => key !== undefined || !provider.needsKey);
}

/** What cannot be read does not keep the rest from being read. */
async function syncOne(asking: Asking, configured: ConfiguredProvider): Promise<SyncedWithModels> {
  const { id, listing } = configured.provider;
  const faults: string[] = [];
  const attempt = <Answer>(what: Promise<Answer>, otherwise: Answer): Promise<Answer> =>
    what.catch((thrown) => {
      faults.push(reasonOf(thrown));
      return otherwise;
    });
  const listed = await attempt(askModels(asking.asker, configured, asking.signal), undefined);
  const { mappings, models } = await attempt(hubAbout(asking, id), NOTHING);
  const renames = models.length === 0 ? [] : await attempt(renamesIn(asking, id, models), []);
  if (renames.length > 0) await asking.rename(renames);
  const today = printDay(systemClock.now());
  const found = compare(asking.catalog, {
    ...{ provider: id, listed, hub: mappings, unitsOf, hasHubIds: listing?.hasHubIds ?? false },
    source: `${id}'s list of models, read ${today}`,
    hubSource: `${asking.hub ?? "the Hub"}, read ${today}`,
  });
  return { provider: id, listed: listed?.length, faults, models, renames, ...found };
}

const NOTHING: HubAnswer = { mappings: [], models: [] };

async function hubAbout(asking: Asking, provider: string): Promise<HubAnswer> {
  const { asker, hub, signal, note } = asking;
  if (hub === undefined) return NOTHING;
  const progress = (models: number) => note(`${provider}: ${models} models on the Hub`);
  const at = systemClock.now();
  return askHub(asker, { origin: hub, provider, at, signal, progress }).catch((cause) => {
    throw new Error(hub, { cause });
  });
}

/** Of the models that a provider serves by our word and not by the Hub's, those that have another id there now. */
function renamesIn(
  { asker, hub = "", catalog, signal, note }: Asking,
  provider: string,
  models: HubAnswer["models"],
): Promise<readonly Rename[]> {
  const onHub = new Set(models.map(({ id }) => id));
  const isOurs = ({ id, mappings }: Model): boolean =>
    !onHub.has(id) && id.includes("/") && mappings.some((each) => each.provider === provider);
  const ids = [...catalog.all()].filter(isOurs).map(({ id }) => id);
  const progress = (done: number) => note(`${provider}: ${done} of ${ids.length} names looked up`);
  return askRenames(asker, { origin: hub, ids, signal, progress });
}

/** Nothing that the operator's file says otherwise. Returns how many mappings were written. */
async function write({ mappings }: Local, synced: readonly SyncedWithModels[]): Promise<number> {
  const changes = synced.flatMap((one) => one.changes).filter(({ keptBy }) => keptBy === undefined);
  const models = new Map(synced.flatMap((one) => one.models).map((model) => [model.id, model]));
  if (models.size > KNOWN_MODELS_MAX) {
    throw new UserError(`The Hub lists ${models.size} models, the limit is ${KNOWN_MODELS_MAX}.`);
  }
  const renames = synced.flatMap((one) => one.renames);
  if (renames.length > 0) await mappings.putRenames(renames, SET_BY);
  if (models.size > 0) await mappings.putModels([...models.values()]);
  if (changes.length > 0) await mappings.put(changes.map(({ after }) => after));
  return changes.length;
}

/** One line, which is overwritten: where nobody looks at it, it is not written. */
function noteProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
