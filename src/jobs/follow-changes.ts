/** Brings what other processes changed into this one's memory. */
import { type Log, type LogFacts, reasonOf } from "../kernel/log.js";
import { WrongSecretError } from "../tenants/directory.js";

type Change = {
  readonly seq: number;
  readonly topic: string;
  readonly key: string;
  readonly node: string;
};

type Parts = {
  readonly node: string;
  readonly log: Log;
  readonly latest: () => Promise<number>;
  readonly since: (seq: number) => Promise<readonly Change[]>;
  readonly watch: (onChange: () => void) => Promise<() => Promise<void>>;
  readonly reloadUser: (userId: string) => Promise<void>;
  readonly reloadOrganization: (orgId: string) => Promise<void>;
  readonly reloadMappings: (provider: string) => Promise<void>;
  readonly reloadModels: () => Promise<void>;
  readonly reloadProvider: (id: string) => Promise<void>;
  readonly reloadValidation: (key: string) => Promise<void>;
  readonly answerRecall: (bucketId: string, seq: number) => Promise<void>;
  readonly surrender: (bucketId: string) => Promise<void>;
};

/** Follows from now on; returns how to stop. Load everything after calling this, and nothing is missed. */
export async function followChanges(parts: Parts): Promise<() => Promise<void>> {
  let seen = await parts.latest();
  let isBusy = false;
  let isCalled = false;
  const reload = (load: Promise<void>, facts: LogFacts): Promise<void> =>
    load.catch((thrown) => {
      // One row that cannot be read must not keep the news of all others away.
      if (!(thrown instanceof WrongSecretError)) throw thrown;
      parts.log("error", "payer_not_loaded", { ...facts, reason: thrown.message });
    });
  /** Each user, organization, provider and bucket once, however often they were named, and none waits for another. */
  const take = async (changes: readonly Change[]): Promise<void> => {
    const about = (wanted: string) => changes.filter(({ topic }) => topic === wanted);
    const keys = (some: readonly Change[]) => [...new Set(some.map(({ key }) => key))];
    // Whoever asked for something back has given back its own.
    const byOthers = (some: readonly Change[]) => some.filter(({ node }) => node !== parts.node);
    const recalls = new Map(byOthers(about("recall")).map(({ key, seq }) => [key, seq]));
    await Promise.all([
      ...keys(about("user")).map((id) => reload(parts.reloadUser(id), { user: id })),
      ...keys(about("org")).map((id) => reload(parts.reloadOrganization(id), { org: id })),
      ...keys(about("mappings")).map(parts.reloadMappings),
      ...(about("models").length > 0 ? [parts.reloadModels()] : []),
      ...keys(about("provider")).map(parts.reloadProvider),
      ...keys(about("validation")).map(parts.reloadValidation),
      ...keys(byOthers(about("lowered"))).map(parts.surrender),
      ...[...recalls].map(([bucket, seq]) => parts.answerRecall(bucket, seq)),
    ]);
  };
  const catchUp = async (): Promise<void> => {
    const changes = await parts.since(seen);
    await take(changes);
    seen = changes.at(-1)?.seq ?? seen;
  };
  const onChange = (): void => {
    isCalled = true;
    if (isBusy) return;
    isBusy = true;
    const work = async () => {
      while (isCalled) {
        isCalled = false;
        await catchUp();
      }
    };
    work()
      // The store is away; the next call, at the latest the next poll, tries again from where this ended.
      .catch((thrown) => parts.log("warn", "changes_not_read", { reason: reasonOf(thrown) }))
      .finally(() => {
        isBusy = false;
      });
  };
  return parts.watch(onChange);
}
