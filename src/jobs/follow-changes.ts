/** Brings what other processes changed into this one's memory. */
import { type Log, type LogFacts, reasonOf } from "../kernel/log.js";
import { WrongSecretError } from "../tenants/directory.js";

type Change = {
  readonly seq: number;
  readonly topic: string;
  readonly key: string;
  readonly node: string;
};

type Feed = {
  /** The number of the last change so far. */
  readonly latest: () => Promise<number>;
  readonly since: (seq: number) => Promise<readonly Change[]>;
  /** Calls whenever there may be news; resolves to how to end that. */
  readonly watch: (onChange: () => void) => Promise<() => Promise<void>>;
};

type Parts = Feed & {
  readonly node: string;
  readonly log: Log;
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
  const catchUp = async (): Promise<void> => {
    const changes = await parts.since(seen);
    await takeIn(changes, parts);
    seen = changes.at(-1)?.seq ?? seen;
  };
  // Where the store is away, the next call, at the latest the next poll, tries again from where this ended.
  const tell = (thrown: unknown) =>
    parts.log("warn", "changes_not_read", { reason: reasonOf(thrown) });
  return parts.watch(inRounds(catchUp, tell));
}

/** What was called for while `work` was under way is one more round of it, however often that was. */
function inRounds(work: () => Promise<void>, onFault: (thrown: unknown) => void): () => void {
  let isBusy = false;
  let isCalled = false;
  const rounds = async (): Promise<void> => {
    while (isCalled) {
      isCalled = false;
      await work();
    }
  };
  return () => {
    isCalled = true;
    if (isBusy) return;
    isBusy = true;
    rounds()
      .catch(onFault)
      .finally(() => {
        isBusy = false;
      });
  };
}

/** Each user, organization, provider and bucket once, however often they were named, and none waits for another. */
async function takeIn(changes: readonly Change[], parts: Parts): Promise<void> {
  const about = (wanted: string) => changes.filter(({ topic }) => topic === wanted);
  // Whoever asked for something back has given back its own.
  const byOthers = (some: readonly Change[]) => some.filter(({ node }) => node !== parts.node);
  const recalls = new Map(byOthers(about("recall")).map(({ key, seq }) => [key, seq]));
  await Promise.all([
    ...keysOf(about("user")).map((id) => reload(parts, parts.reloadUser(id), { user: id })),
    ...keysOf(about("org")).map((id) => reload(parts, parts.reloadOrganization(id), { org: id })),
    ...keysOf(about("mappings")).map(parts.reloadMappings),
    ...(about("models").length > 0 ? [parts.reloadModels()] : []),
    ...keysOf(about("provider")).map(parts.reloadProvider),
    ...keysOf(about("validation")).map(parts.reloadValidation),
    ...keysOf(byOthers(about("lowered"))).map(parts.surrender),
    ...[...recalls].map(([bucket, seq]) => parts.answerRecall(bucket, seq)),
  ]);
}

const keysOf = (changes: readonly Change[]): string[] => [
  ...new Set(changes.map(({ key }) => key)),
];

/** One payer's row that cannot be read must not keep the news of all others away. */
function reload({ log }: Parts, loading: Promise<void>, facts: LogFacts): Promise<void> {
  return loading.catch((thrown) => {
    if (!(thrown instanceof WrongSecretError)) throw thrown;
    log("error", "payer_not_loaded", { ...facts, reason: thrown.message });
  });
}
