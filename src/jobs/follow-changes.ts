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
  const take = async (change: Change): Promise<void> => {
    const { topic, key } = change;
    if (topic === "user") await reload(parts.reloadUser(key), { user: key });
    else if (topic === "org") await reload(parts.reloadOrganization(key), { org: key });
    // Whoever asked has done so itself.
    else if (change.node === parts.node) return;
    else if (topic === "lowered") await parts.surrender(key);
    else await parts.answerRecall(key, change.seq);
  };
  const catchUp = async (): Promise<void> => {
    for (const change of await parts.since(seen)) {
      await take(change);
      seen = change.seq;
    }
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
