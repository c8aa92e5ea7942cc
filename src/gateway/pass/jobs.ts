/** Jobs that callers began on a provider's own wire: whose they are, and what is still to be settled of them. */
import { PROVIDER_REQUEST_ID_CHARS_MAX } from "../../kernel/limits.js";
import type { AwaitedJob, LateCostStore } from "../../ledger/late-cost.js";

const REMEMBERED_MAX = 10_000;
/** A job of another process is in the store once that process has drained its spool. */
const LOOKS = 5;
const LOOK_EVERY_MS = 200;

export class Jobs {
  private readonly store: Pick<LateCostStore, "findJob">;
  private readonly remembered = new Map<string, AwaitedJob>();
  private readonly settling = new Map<string, Promise<void>>();

  constructor(store: Pick<LateCostStore, "findJob">) {
    this.store = store;
  }

  remember(job: AwaitedJob): void {
    this.remembered.set(keyOf(job.provider, job.job), job);
    if (this.remembered.size <= REMEMBERED_MAX) return;
    const [oldest] = this.remembered.keys();
    if (oldest !== undefined) this.remembered.delete(oldest);
  }

  /** Undefined for a job of somebody else as for one that nobody began here. */
  async find(provider: string, job: string, userId: string): Promise<AwaitedJob | undefined> {
    const found = this.remembered.get(keyOf(provider, job)) ?? (await this.lookUp(provider, job));
    return found?.userId === userId ? found : undefined;
  }

  /** Settles a job by `settle`, unless that was done; who comes meanwhile waits for whoever is at it. */
  settleOnce(job: AwaitedJob, settle: () => Promise<void>): Promise<void> {
    const key = keyOf(job.provider, job.job);
    const under = this.settling.get(key);
    if (under) return under;
    if ((this.remembered.get(key) ?? job).isSettled) return Promise.resolve();
    const begun = settle()
      .then(() => this.remember({ ...job, isSettled: true }))
      .finally(() => this.settling.delete(key));
    this.settling.set(key, begun);
    return begun;
  }

  private async lookUp(provider: string, job: string): Promise<AwaitedJob | undefined> {
    if (job.length > PROVIDER_REQUEST_ID_CHARS_MAX) return undefined;
    for (let look = 0; look < LOOKS; look++) {
      if (look > 0) await Bun.sleep(LOOK_EVERY_MS);
      const found = await this.store.findJob(provider, job);
      if (!found) continue;
      this.remember(found);
      return found;
    }
    return undefined;
  }
}

const keyOf = (provider: string, job: string): string => `${provider} ${job}`;
