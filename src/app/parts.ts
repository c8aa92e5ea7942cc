import type { Config } from "../config/config.js";
import type { Clock } from "../kernel/clock.js";
import type { Log } from "../kernel/log.js";
import type { MasterKey } from "../tenants/sealing.js";

/** What an app is built from. */
export type AppParts = {
  readonly config: Config;
  readonly masterKey: MasterKey;
  readonly clock: Clock;
  readonly log: Log;
  /** Rolls from 0 to 1; by default at random. */
  readonly dice?: () => number;
};
