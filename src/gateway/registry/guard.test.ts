import { afterEach, expect, test } from "bun:test";
import { systemClock } from "../../kernel/clock.js";
import { newId } from "../../kernel/ids.js";
import { defaultLimits } from "../../kernel/limits.js";
import { bearer } from "../../providers/provider.js";
import { HttpPool } from "../client/pool.js";
import { Deadline } from "../deadline.js";
import { askCosts } from "../money/billing.js";
import { guardFor, judgeUrl, type Reach } from "./guard.js";
import { ForbiddenUrlError } from "./public-address.js";

const pool = new HttpPool();
const servers: { stop: (force: boolean) => void }[] = [];

afterEach(() => {
  pool.close();
  for (const server of servers.splice(0)) server.stop(true);
});

/** Stands for the one public address: every other one, loopback's others too, lies inside. */
const REACH: Reach = { networks: [{ address: "127.0.0.1", prefix: 32 }], mayUseHttp: true };

function serverAt(hostname: string, port: number, isClosing: boolean) {
  const seen = { requests: 0 };
  const headers = isClosing ? { connection: "close" } : undefined;
  const server = Bun.serve({
    hostname,
    port,
    fetch: () => {
      seen.requests++;
      return new Response("ok", { ...(headers && { headers }) });
    },
  });
  servers.push(server);
  return { port: server.port ?? 0, seen };
}

async function send(baseUrl: string, guard: ReturnType<typeof guardFor>): Promise<number> {
  const deadline = new Deadline(systemClock, new AbortController(), 1e15, 1e15);
  const request = { baseUrl, guard, path: "/", headers: {}, requestId: "r", body: "{}" };
  const exchange = await pool.send(request, deadline, 1_000, () => {});
  while (await exchange.read());
  deadline.end();
  return exchange.head?.status ?? 0;
}

test("a name that answers outside and then inside is not followed inside", async () => {
  const outside = serverAt("127.0.0.1", 0, true);
  const inside = serverAt("127.0.0.2", outside.port, true);
  const answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1", "127.0.0.2"]];
  const asked: string[] = [];
  const guard = guardFor(REACH, async (name) => {
    asked.push(name);
    return answers[asked.length - 1] ?? [];
  });
  // No resolver knows the name: it is reached by the judged address, or not at all.
  const baseUrl = `http://rebind.invalid:${outside.port}`;
  expect(await send(baseUrl, guard)).toBe(200);
  for (let again = 0; again < 3; again++) {
    await expect(send(baseUrl, guard)).rejects.toBeInstanceOf(ForbiddenUrlError);
  }
  expect(asked).toEqual(Array(4).fill("rebind.invalid"));
  expect([outside.seen.requests, inside.seen.requests]).toEqual([1, 0]);
});

test("a connection that was judged is used again without another look", async () => {
  const { port } = serverAt("127.0.0.1", 0, false);
  let asked = 0;
  const guard = guardFor(REACH, async () => {
    asked++;
    return ["127.0.0.1"];
  });
  for (let i = 0; i < 3; i++) expect(await send(`http://kept.invalid:${port}`, guard)).toBe(200);
  expect(asked).toBe(1);
});

test("a guarded request never goes on a connection that nobody judged", async () => {
  const { port, seen } = serverAt("127.0.0.1", 0, false);
  const open = async () => "127.0.0.1";
  const shut = async () => {
    throw new ForbiddenUrlError("inside");
  };
  const baseUrl = `http://127.0.0.1:${port}`;
  const deadline = new Deadline(systemClock, new AbortController(), 1e15, 1e15);
  const free = { baseUrl, path: "/", headers: {}, requestId: "r", body: "{}" };
  const exchange = await pool.send(free, deadline, 1_000, () => {});
  while (await exchange.read());
  await expect(send(baseUrl, shut)).rejects.toBeInstanceOf(ForbiddenUrlError);
  expect(seen.requests).toBe(1);
  expect(await send(baseUrl, open)).toBe(200);
});

test("a URL is refused for what it is before anybody is asked", async () => {
  const strict: Reach = { networks: [], mayUseHttp: false };
  const refused = async (url: string, reach = strict): Promise<string> =>
    judgeUrl(
      url,
      reach,
      guardFor(reach, async () => ["10.0.0.1"]),
    ).then(
      () => "none",
      (thrown) => (thrown as Error).message,
    );
  const table: readonly [string, string][] = [
    ["ftp://example.com", "it is no http or https URL"],
    ["nonsense", "it is no http or https URL"],
    ["http://example.com", "it must begin with https://"],
    ["https://user:pass@example.com", "it holds a name or password"],
    ["https://example.com/v1?key=x", "it holds a query or fragment"],
    ["https://example.com/v1#x", "it holds a query or fragment"],
    ["https://example.com", "the address is not a public one"],
    ["https://169.254.169.254", "the address is not a public one"],
    ["https://[::ffff:7f00:1]", "the address is not a public one"],
    ["https://[::1]", "the address is not a public one"],
    ["https://2130706433", "the address is not a public one"],
    ["https://8.8.8.8", "none"],
  ];
  for (const [url, why] of table) expect([url, await refused(url)]).toEqual([url, why]);
  const open: Reach = { networks: [{ address: "10.0.0.0", prefix: 8 }], mayUseHttp: true };
  expect(await refused("http://example.com", open)).toBe("none");
  expect(await refused("http://127.0.0.1", open)).toBe("the address is not a public one");
});

test("a billing endpoint whose name leads inside by now is not asked", async () => {
  const { port, seen } = serverAt("127.0.0.2", 0, true);
  const guard = guardFor(REACH, async () => ["127.0.0.2"]);
  const provider = { id: "acme", name: "Acme", origin: "https://acme.invalid", auth: bearer };
  const configured = {
    provider: { ...provider, keyVariable: undefined, needsKey: true, tasks: {} },
    ...{ baseUrl: provider.origin, key: "key", guard },
    billing: {
      url: `http://billing.invalid:${port}/`,
      requestIdHeader: "inference-id",
      delayMs: 0,
    },
  };
  const parts = { http: pool, clock: systemClock, limits: defaultLimits, newId };
  const asked = askCosts(parts, configured, ["id"], new AbortController().signal);
  await expect(asked).rejects.toBeInstanceOf(ForbiddenUrlError);
  expect(seen.requests).toBe(0);
});
