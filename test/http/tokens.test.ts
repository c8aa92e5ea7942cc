import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nanoUsd } from "../../src/kernel/money.js";
import { hashToken, newAccessToken } from "../../src/tenants/access-token.js";
import { registerUser } from "../../src/tenants/register.js";
import type { Scope } from "../../src/tenants/user.js";
import {
  call,
  chat,
  recordingLog,
  type TestApp,
  type TestAppOptions,
  testApp,
  until,
} from "../support/app.js";
import { manualClock } from "../support/clock.js";
import { fakeProvider, plainAnswer, yamlFor } from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

async function start(options: TestAppOptions = {}): Promise<TestApp> {
  const app = await testApp(options);
  cleanUps.push(app.stop);
  return app;
}

const ASK = { model: "org/model", messages: [{ role: "user", content: "hi" }], max_tokens: 20 };
const ME = "/api/turnpike/me";
const TOKENS = `${ME}/tokens`;
const USERS = "/api/turnpike/admin/users";

/** The status and JSON of a request to one of our own routes. */
async function ask(app: TestApp, method: string, path: string, token?: string, body?: unknown) {
  const response = await app.answer(call(method, path, token, body));
  return { status: response.status, body: await response.json() };
}

const statusOf = async (app: TestApp, token: string): Promise<number> =>
  (await app.answer(call("GET", ME, token))).status;

test("a token that is missing, malformed or unknown is refused in the same way everywhere", async () => {
  const app = await start();
  const never = newAccessToken();
  for (const [method, path] of [
    ["POST", "/v1/chat/completions"],
    ["POST", "/api/turnpike/estimate"],
    ["GET", ME],
    ["POST", TOKENS],
    ["GET", USERS],
    ["POST", "/api/turnpike/admin/credits"],
  ] as const) {
    for (const token of [undefined, "sk-something", never, `${never.slice(0, -1)}!`]) {
      const { status, body } = await ask(app, method, path, token);
      expect({ path, status, code: body.error.code }).toEqual({
        path,
        status: 401,
        code: "invalid_token",
      });
      if (token !== undefined) expect(JSON.stringify(body)).not.toContain(token);
    }
  }
});

test("each scope opens its own routes and no others", async () => {
  const provider = fakeProvider(() => plainAnswer());
  cleanUps.push(provider.stop);
  const app = await start({ yaml: yamlFor({ local: provider.origin }) });
  const owner = await app.addOwner();
  const routes: readonly [Scope, () => Request][] = [
    ["inference", () => chat("TOKEN", ASK)],
    ["read", () => call("GET", ME, "TOKEN")],
    ["read", () => call("GET", TOKENS, "TOKEN")],
    ["read", () => call("GET", `${ME}/credits`, "TOKEN")],
    ["read", () => call("GET", `${ME}/usage`, "TOKEN")],
    ["read", () => call("GET", `${ME}/requests`, "TOKEN")],
    ["read", () => call("GET", `${ME}/preferences`, "TOKEN")],
    ["read", () => call("GET", `${ME}/provider-keys`, "TOKEN")],
    ["read", () => call("POST", "/api/turnpike/estimate", "TOKEN", ASK)],
    ["write", () => call("POST", TOKENS, "TOKEN", { name: "x", scopes: ["write"] })],
    ["write", () => call("PUT", `${ME}/preferences`, "TOKEN", { provider_order: [] })],
    ["admin", () => call("GET", USERS, "TOKEN")],
    ["admin", () => call("GET", "/api/turnpike/admin/audit", "TOKEN")],
  ];
  for (const scope of ["inference", "read", "write", "admin"] as const) {
    const token = await app.addToken(owner, { scopes: [scope] });
    for (const [needed, request] of routes) {
      const asked = request();
      asked.headers.set("authorization", `Bearer ${token}`);
      const { status } = await app.answer(asked);
      const isOpen = status === 200 || status === 201;
      expect({ scope, url: asked.url, isOpen }).toEqual({
        scope,
        url: asked.url,
        isOpen: scope === needed,
      });
      if (!isOpen) expect(status).toBe(403);
    }
  }
});

test("the scope admin is worth nothing to a user who is not the owner", async () => {
  const app = await start();
  const ada = await app.addUser("ada");
  const token = await app.addToken(ada, { scopes: ["inference", "read", "write", "admin"] });
  for (const [method, path] of [
    ["GET", USERS],
    ["POST", USERS],
    ["GET", `${USERS}/ada`],
    ["PATCH", `${USERS}/ada`],
    ["POST", "/api/turnpike/admin/credits"],
    ["GET", "/api/turnpike/admin/audit"],
  ] as const) {
    const body = method === "GET" ? undefined : { plan: "pro", name: "x" };
    expect(await ask(app, method, path, token, body)).toMatchObject({
      status: 403,
      body: { error: { code: "forbidden" } },
    });
  }
  expect((await ask(app, "GET", ME, token)).body.user.plan).toBe("free");
});

test("a new token is shown once, works at once, and is a mask ever after", async () => {
  const app = await start();
  const ada = await app.addUser("ada");
  const wanted = {
    name: "laptop",
    scopes: ["inference", "read"],
    expires_at: "2100-01-01T00:00:00Z",
    budget: { amount: "1.50", period: "total" },
  };
  const made = await ask(app, "POST", TOKENS, ada.token, wanted);
  expect(made.status).toBe(201);
  const secret: string = made.body.token.token;
  expect(secret).toMatch(/^hf_tp[A-Za-z0-9]{34}$/);
  expect(made.body.token).toMatchObject({
    name: "laptop",
    scopes: ["inference", "read"],
    expires_at: "2100-01-01T00:00:00.000Z",
    revoked_at: null,
    budget: { amount_nano_usd: "1500000000", period: "total" },
  });
  const list = await ask(app, "GET", TOKENS, secret);
  expect(list.status).toBe(200);
  expect(list.body.tokens.length).toBe(2);
  expect(JSON.stringify(list.body)).not.toContain(secret.slice(8, 30));
  expect(JSON.stringify(list.body)).not.toContain(hashToken(secret));
});

test("a token wish that makes no sense is refused by its field", async () => {
  const app = await start();
  const { token } = await app.addUser("ada");
  for (const [change, param] of [
    [{ name: "" }, "name"],
    [{ name: "x".repeat(97) }, "name"],
    [{ name: 7 }, "name"],
    [{ name: undefined }, "name"],
    [{ scopes: [] }, "scopes"],
    [{ scopes: ["root"] }, "scopes.0"],
    [{ expires_at: "tomorrow" }, "expires_at"],
    [{ expires_at: 7 }, "expires_at"],
    [{ expires_at: "2100-02-30" }, "expires_at"],
    [{ expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
    [{ budget: { amount: 5 } }, "budget.amount"],
    [{ budget: { amount: "-5" } }, "budget.amount"],
    [{ budget: { amount: "0" } }, "budget.amount"],
    [{ budget: { amount: "1e3" } }, "budget.amount"],
    [{ budget: { amount: "1", period: "year" } }, "budget.period"],
  ] as const) {
    const made = await ask(app, "POST", TOKENS, token, { name: "x", ...change });
    expect({ change, status: made.status, param: made.body.error?.param }).toEqual({
      change,
      status: 400,
      param,
    });
  }
  for (const body of ["{", "[]", "", '{"name":"x","admin":true}', '{"name":"x"}'.padEnd(70_000)]) {
    const { status } = await ask(app, "POST", TOKENS, token, body);
    expect([400, 413]).toContain(status);
  }
  expect((await ask(app, "GET", TOKENS, token)).body.tokens.length).toBe(1);
});

test("a token gives no more than it has: no wider scope, no longer life, no way around its budget", async () => {
  const time = manualClock();
  const app = await start({ clock: time.clock });
  const ada = await app.addUser("ada");
  const expiresAt = time.clock.now() + 60_000;
  const scopes = ["read", "write"] as const;
  const narrow = await app.addToken(ada, { scopes });
  const short = await app.addToken(ada, { scopes, expiresAt });
  const budget = { amount: nanoUsd(1_000_000n), period: "total" } as const;
  const poor = await app.addToken(ada, { scopes, budget });
  const iso = (at: number) => new Date(at).toISOString();
  const wish = { name: "x", scopes };
  for (const [token, wanted, status] of [
    [narrow, wish, 201],
    [narrow, { name: "x" }, 403],
    [narrow, { ...wish, scopes: ["inference"] }, 403],
    [narrow, { ...wish, scopes: ["write", "admin"] }, 403],
    [short, wish, 403],
    [short, { ...wish, expires_at: iso(expiresAt + 1) }, 403],
    [short, { ...wish, expires_at: iso(expiresAt) }, 201],
    [poor, wish, 403],
    [poor, { ...wish, budget: { amount: "0.0001", period: "total" } }, 403],
  ] as const) {
    const made = await ask(app, "POST", TOKENS, token, wanted);
    expect({ wanted, status: made.status }).toEqual({ wanted, status });
  }
});

test("a revoked token is refused from the next request on, here and in a second process", async () => {
  const app = await start();
  const other = await start({ data: app.data });
  const ada = await app.addUser("ada");
  const made = await ask(app, "POST", TOKENS, ada.token, { name: "laptop" });
  const { id, token } = made.body.token;
  // Made elsewhere a moment ago, and known at once.
  expect(await statusOf(other, token)).toBe(200);
  expect((await ask(app, "DELETE", `${TOKENS}/${id}`, ada.token)).body).toEqual({ revoked: id });
  expect(await statusOf(app, token)).toBe(401);
  await until(async () => (await statusOf(other, token)) === 401);
  expect(await statusOf(other, ada.token)).toBe(200);
  expect((await ask(app, "DELETE", `${TOKENS}/${id}`, ada.token)).status).toBe(404);
  const { tokens } = (await ask(app, "GET", TOKENS, ada.token)).body;
  expect(tokens.find((one: { id: string }) => one.id === id).revoked_at).toMatch(/^20/);
});

test("a token that revokes itself is gone", async () => {
  const app = await start();
  const { token } = await app.addUser("ada");
  const { id } = (await ask(app, "GET", TOKENS, token)).body.tokens[0];
  expect((await ask(app, "DELETE", `${TOKENS}/${id}`, token)).status).toBe(200);
  expect(await statusOf(app, token)).toBe(401);
});

test("a token expires at its moment", async () => {
  const time = manualClock();
  const app = await start({ clock: time.clock });
  const ada = await app.addUser("ada");
  const token = await app.addToken(ada, {
    scopes: ["read"],
    expiresAt: time.clock.now() + 1_000,
  });
  time.advance(999);
  expect(await statusOf(app, token)).toBe(200);
  time.advance(1);
  expect(await statusOf(app, token)).toBe(401);
});

test("no user can see, revoke or use what is another's", async () => {
  const app = await start();
  const ada = await app.addUser("ada");
  const bea = await app.addUser("bea");
  const { id } = (await ask(app, "GET", TOKENS, ada.token)).body.tokens[0];
  expect((await ask(app, "DELETE", `${TOKENS}/${id}`, bea.token)).status).toBe(404);
  expect(await statusOf(app, ada.token)).toBe(200);
  for (const path of [ME, TOKENS, `${ME}/credits`, `${ME}/requests`, `${ME}/usage`]) {
    const { body } = await ask(app, "GET", path, bea.token);
    expect(JSON.stringify(body)).not.toContain(`"ada"`);
    expect(JSON.stringify(body)).not.toContain(id);
  }
});

test("a token stands nowhere on the disk or in the log, only its hash does", async () => {
  const { log, lines } = recordingLog();
  const app = await start({ log });
  const ada = await app.addUser("ada");
  const made = await ask(app, "POST", TOKENS, ada.token, { name: "laptop" });
  await ask(app, "GET", ME, `${ada.token}x`);
  await app.drain();
  const bytes = readdirSync(app.data)
    .filter((name) => name.startsWith("turnpike.sqlite"))
    .map((name) => readFileSync(join(app.data, name), "latin1"))
    .join("");
  for (const secret of [ada.token, made.body.token.token]) {
    expect(bytes).toContain(hashToken(secret));
    // Without the ends that its mask shows.
    expect(bytes).not.toContain(secret.slice(7, -4));
    expect(JSON.stringify(lines)).not.toContain(secret);
  }
});

test("a token the operator preset works without our checksum, and no other such token does", async () => {
  const preset = "an-owner-token-of-my-own";
  const app = await start({ env: { TURNPIKE_OWNER_TOKEN: preset } });
  const owner = { name: "owner", plan: "pro", role: "owner" } as const;
  const { user } = await registerUser(app.site.tenants, owner, Date.now(), preset);
  expect(await statusOf(app, preset)).toBe(200);
  expect((await ask(app, "GET", USERS, preset)).status).toBe(200);
  expect(await statusOf(app, `${preset}-2`)).toBe(401);
  expect(await statusOf(app, hashToken(preset))).toBe(401);
  expect((await ask(app, "GET", ME, preset)).body.user.id).toBe(user.id);
});

test("the owner adds users, changes their plan and grants them credit", async () => {
  const app = await start();
  const owner = await app.addOwner();
  const added = await ask(app, "POST", USERS, owner.token, { name: "carol" });
  expect(added).toMatchObject({
    status: 201,
    body: { user: { name: "carol", plan: "free", role: "user" } },
  });
  const { token } = added.body;
  expect(await statusOf(app, token)).toBe(200);
  expect((await ask(app, "POST", USERS, owner.token, { name: "carol" })).status).toBe(409);
  const changed = await ask(app, "PATCH", `${USERS}/carol`, owner.token, { plan: "pro" });
  expect(changed.body.user.plan).toBe("pro");
  expect((await ask(app, "GET", ME, token)).body.user.plan).toBe("pro");
  const grant = { user: "carol", amount: "5.00", kind: "purchased" };
  expect(await ask(app, "POST", "/api/turnpike/admin/credits", owner.token, grant)).toMatchObject({
    status: 201,
    body: { grant: { amount_nano_usd: "5000000000", expires_at: null } },
  });
  const until = { ...grant, kind: "promotional", expires: "2100-01-31" };
  expect(await ask(app, "POST", "/api/turnpike/admin/credits", owner.token, until)).toMatchObject({
    status: 201,
    body: { grant: { kind: "promotional", expires_at: "2100-01-31T00:00:00.000Z" } },
  });
  expect((await ask(app, "GET", `${ME}/credits`, token)).body.buckets).toContainEqual(
    expect.objectContaining({ kind: "purchased", left_nano_usd: "5000000000" }),
  );
  const users = (await ask(app, "GET", USERS, owner.token)).body.users;
  expect(users.map(({ name }: { name: string }) => name).sort()).toEqual(["carol", "owner"]);
  const shown = await ask(app, "GET", `${USERS}/carol`, owner.token);
  expect(JSON.stringify(shown.body)).not.toContain(token);
  expect(await app.site.ledger.audit()).toMatchObject({ balanced: true });
});

test("a user's name, plan and credit are checked before anything is written", async () => {
  const app = await start();
  const { token } = await app.addOwner();
  for (const name of ["", " ", "a b", "../x", "-x", "é", "x".repeat(97), "a\nb", "<b>", 5, null]) {
    const { status, body } = await ask(app, "POST", USERS, token, { name });
    expect({ name, status, param: body.error?.param }).toEqual({
      name,
      status: 400,
      param: "name",
    });
  }
  const credits = "/api/turnpike/admin/credits";
  const grant = { user: "owner", amount: "1", kind: "purchased" };
  for (const [method, path, body, status] of [
    ["POST", USERS, { name: "x", plan: "gold" }, 400],
    ["POST", USERS, { name: "x", role: "owner" }, 400],
    ["PATCH", `${USERS}/owner`, { plan: "gold" }, 400],
    ["PATCH", `${USERS}/nobody`, { plan: "pro" }, 404],
    ["GET", `${USERS}/nobody`, undefined, 404],
    ["POST", credits, { ...grant, user: "nobody" }, 404],
    ["POST", credits, { ...grant, amount: "-1" }, 400],
    ["POST", credits, { ...grant, amount: "0" }, 400],
    ["POST", credits, { ...grant, amount: 1 }, 400],
    ["POST", credits, { ...grant, kind: "plan" }, 400],
    ["POST", credits, { ...grant, expires: "2100-02-30" }, 400],
    ["POST", credits, { ...grant, expires: "2020-01-01" }, 400],
    ["POST", credits, { ...grant, expires: "2001-01-01T00:00:00Z" }, 400],
  ] as const) {
    const answer = await ask(app, method, path, token, body);
    expect({ path, body, status: answer.status }).toEqual({ path, body, status });
  }
  expect((await ask(app, "GET", USERS, token)).body.users.length).toBe(1);
  expect(await app.site.ledger.audit()).toMatchObject({ balanced: true });
});
