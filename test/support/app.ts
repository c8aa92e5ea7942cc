/** The whole app in process: real store, real spool, Request in, Response out. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, startApp } from "../../src/app.js";
import { type Config, loadConfig } from "../../src/config/config.js";
import { type Clock, systemClock } from "../../src/kernel/clock.js";
import { newId } from "../../src/kernel/ids.js";
import { type Log, type LogFacts, noLog } from "../../src/kernel/log.js";
import { nanoUsd, parseUsd } from "../../src/kernel/money.js";
import { extraGrant } from "../../src/ledger/account.js";
import { fundsBucketOf } from "../../src/tenants/payer.js";
import { issueToken, registerUser } from "../../src/tenants/register.js";
import type { Budget, Scope, User } from "../../src/tenants/user.js";

export const MASTER_KEY = Buffer.alloc(32, 1);

/** A folder that is gone when `remove` was called. */
export function tempFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "turnpike-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export type TestUser = { readonly user: User; readonly token: string };

/** As if nothing were ever tried on the off chance, and no time were cut short. */
const NO_CHANCE = () => 1;

export type TestAppOptions = {
  /** Text of a turnpike.yaml. */
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly dice?: () => number;
  /** An existing data folder; by default a fresh one, removed by `stop`. */
  readonly data?: string;
  readonly config?: Partial<Config>;
};

export async function testApp(options: TestAppOptions = {}) {
  const folder = options.data === undefined ? tempFolder() : undefined;
  const data = options.data ?? folder?.path ?? "";
  const file = join(data, "turnpike.yaml");
  await Bun.write(file, options.yaml ?? "");
  const config: Config = {
    ...loadConfig({ data, config: file }, options.env ?? {}),
    ...options.config,
  };
  const clock = options.clock ?? systemClock;
  const app: App = await startApp({
    config,
    masterKey: MASTER_KEY,
    clock,
    log: options.log ?? noLog,
    dice: options.dice ?? NO_CHANCE,
  });

  return {
    ...app,
    config,
    data,
    /** A user of a plan with a working token, known to the app at once. */
    addUser: async (name: string, plan = "free"): Promise<TestUser> => {
      const { tenants, reloadUser } = app.site;
      const wanted = { name, plan, role: "user" } as const;
      const { user, issued } = await registerUser(tenants, wanted, clock.now());
      await reloadUser(user.id);
      return { user, token: issued.secret };
    },
    addOwner: async (): Promise<TestUser> => {
      const { tenants, reloadUser } = app.site;
      const wanted = { name: "owner", plan: "pro", role: "owner" } as const;
      const { user, issued } = await registerUser(tenants, wanted, clock.now());
      await reloadUser(user.id);
      return { user, token: issued.secret };
    },
    addToken: async (
      { user }: TestUser,
      wanted: {
        readonly budget?: Budget;
        readonly scopes?: readonly Scope[];
        readonly expiresAt?: number;
      },
    ): Promise<string> => {
      const issued = issueToken(
        user.id,
        { name: "test", scopes: wanted.scopes ?? ["inference"], ...wanted },
        clock.now(),
      );
      await app.site.tenants.addToken(issued.token);
      await app.site.reloadUser(user.id);
      return issued.secret;
    },
    /** Credit in dollars as decimal text, beside what the plan brings. */
    grant: async ({ user }: TestUser, dollars: string): Promise<void> => {
      const amount = parseUsd(dollars);
      if (amount === undefined) throw new Error(`no dollars: ${dollars}`);
      await app.site.ledger.grant(
        extraGrant(fundsBucketOf(user), {
          id: newId(),
          kind: "promotional",
          amount,
          at: clock.now(),
          expiresAt: undefined,
        }),
      );
    },
    /** What the store says the user has left, after everything spooled was applied. */
    left: async ({ user }: TestUser): Promise<bigint> => {
      await app.drain();
      const view = await app.site.ledger.credit(fundsBucketOf(user), clock.now());
      return view.accounts.reduce((sum, account) => sum + account.left, 0n);
    },
    /** What is still under way for a user, and whether the books agree; `AT_REST` once all has ended. */
    state: async ({ user }: TestUser) => {
      await app.drain();
      const { gateway, ledger } = app.site;
      return {
        held: gateway.book.heldOn(fundsBucketOf(user)),
        openRequests: gateway.spool.openRequests(),
        balanced: (await ledger.audit()).balanced,
      };
    },
    stop: async (): Promise<void> => {
      await app.stop();
      folder?.remove();
    },
  };
}

export const AT_REST = { held: nanoUsd(0n), openRequests: 0, balanced: true };

export type TestApp = Awaited<ReturnType<typeof testApp>>;

/** A chat request with a token. */
export const chat = (
  token: string,
  body: Readonly<Record<string, unknown>> | string,
  headers: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Request =>
  new Request("http://turnpike.test/v1/chat/completions", {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });

/** Collects log lines, so that a test can look for what must not be in them. */
export function recordingLog() {
  const lines: { level: string; event: string; facts: LogFacts | undefined }[] = [];
  const log: Log = (level, event, facts) => lines.push({ level, event, facts });
  return { log, lines };
}

/** A request to one of our own routes, with a token where there is one. */
export const call = (
  method: string,
  path: string,
  token?: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Request =>
  new Request(`http://turnpike.test${path}`, {
    method,
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });

/** Waits for something that happens by itself, up to a second. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await condition()) return;
    await Bun.sleep(5);
  }
  throw new Error("waited a second in vain");
}
