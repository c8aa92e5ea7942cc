/** What an operator does and sees: files, the first start, revocation, stopping, being killed. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import {
  addPayer,
  ask,
  readBooks,
  type Seen,
  type Site,
  sqliteOf,
  startSite,
  sums,
  TOKEN_COST,
  until,
} from "./support.js";

let site: Site;
beforeAll(() => {
  site = startSite();
});
afterAll(() => site.end());

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test("the data folder and the secret are for their owner alone, and the owner's token is shown once", async () => {
  const data = site.freshFolder();
  const env = { TURNPIKE_OWNER_TOKEN: "" };
  const first = await site.node({ data, env });
  expect(modeOf(data)).toBe("700");
  expect(modeOf(join(data, "secret"))).toBe("600");
  expect(modeOf(join(data, "spool"))).toBe("700");
  const [token = ""] = /\bhf_tp\w+/.exec(first.printed()) ?? [];
  expect(token).not.toBe("");
  expect(first.printed().split(token)).toHaveLength(2);
  const me = await fetch(`${first.origin}/api/turnpike/me`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await me.json()).toMatchObject({ user: { role: "owner" } });
  expect(await first.stop()).toBe(0);
  const second = await site.node({ data, env });
  expect(second.printed()).toContain("ready at");
  expect(second.printed()).not.toContain("token");
  await second.stop();
});

test("a token revoked on the command line is refused by every worker within a second", async () => {
  const node = await site.node({ env: { TURNPIKE_WORKERS: "2" } });
  const token = await addPayer(node, "ada", "1");
  const other = await addPayer(node, "bob", "1");
  await until("every worker knows the token", () => allAnswer(token, 200), 3_000, node.printed);
  const { tokens } = await site.cli(node, "token", "list", "--user", "ada");
  const [{ id }] = tokens as [{ id: string }];
  await site.cli(node, "token", "revoke", id, "--user", "ada");
  const revokedAt = performance.now();
  await until("every worker refuses it", () => allAnswer(token, 401), 3_000, node.printed);
  expect(performance.now() - revokedAt).toBeLessThan(1_000);
  expect(await allAnswer(other, 200)).toBe(true);
  await node.stop();

  /** Over connections of their own, so that all workers are asked. */
  async function allAnswer(bearer: string, status: number): Promise<boolean> {
    const answers = await Promise.all(
      Array.from({ length: 16 }, () =>
        fetch(`${node.origin}/api/turnpike/me`, {
          headers: { authorization: `Bearer ${bearer}`, connection: "close" },
        }),
      ),
    );
    return answers.every((answer) => answer.status === status);
  }
});

test("SIGTERM lets what is under way end, drains it and gives the leases back", async () => {
  site.sim.setDials("together", { tokens_per_second: 50 });
  const node = await site.node();
  const token = await addPayer(node, "ada", "1");
  const asked = [false, true, false, true].map((isStream) =>
    ask(node, token, { tokens: 40, isStream }),
  );
  await Bun.sleep(300);
  const code = node.stop();
  const seen: readonly Seen[] = await Promise.all(asked);
  expect(seen.map(({ isComplete }) => isComplete)).toEqual([true, true, true, true]);
  expect(await code).toBe(0);
  const books = await readBooks(sqliteOf(node));
  expect(books.audit).toMatchObject({ balanced: true });
  expect(books.leases).toEqual([]);
  const granted = 1_000_000_000n;
  expect(sums(books)).toEqual({ granted, left: granted - 160n * TOKEN_COST, leased: 0n });
  site.sim.reset();
});

for (const workers of ["1", "2"]) {
  test(`${workers} say that they are ready when they are`, async () => {
    const node = await site.node({
      ...{ env: { TURNPIKE_WORKERS: workers }, readyBy: "announcement" },
    });
    const ready = await fetch(`${node.origin}/readyz`);
    expect(ready.status).toBe(200);
    expect(await node.stop()).toBe(0);
  });

  test(`the port is free again soon after the launcher of ${workers} was killed`, async () => {
    const env = { TURNPIKE_WORKERS: workers };
    const node = await site.node({ env });
    process.kill(node.launcher.pid ?? 0, "SIGKILL");
    await until("the port is free", () => isFree(node.port), 3_000, node.printed);
    const next = await site.node({ env, port: node.port, data: node.data });
    expect(await next.stop()).toBe(0);
  });
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
