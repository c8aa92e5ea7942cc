/** Organizations as their members, their admins and strangers meet them. */
import { afterEach, describe, expect, test } from "bun:test";
import { call, chat, type TestApp, type TestUser, testApp, until } from "../support/app.js";
import { manualClock } from "../support/clock.js";
import {
  fakeProvider,
  plainAnswer,
  type Received,
  type Reply,
  yamlFor,
} from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

/** A token of output costs a thousandth of a dollar, and 40 are delivered. */
const PRICE = { input: "0", output: "1000" };
const TOKEN = 1_000_000n;
const ORGS = "/api/turnpike/orgs";
const ACME = `${ORGS}/acme`;
const PLANS = {
  none: {},
  team: { monthly_credit_per_seat: "0.1", extra_usage: "pay_as_you_go" },
};

type Answer = { readonly status: number; readonly body: ReturnType<typeof JSON.parse> };

async function start(
  reply: (received: Received) => Reply = () => plainAnswer({ prompt: 1, completion: 40 }),
  more: Readonly<Record<string, string>> = {},
) {
  const time = manualClock();
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const origins = { local: provider.origin, ...more };
  const yaml = yamlFor(origins, PRICE, { plans: PLANS });
  const app = await testApp({ yaml, clock: time.clock });
  cleanUps.push(app.stop);
  const owner = await app.addOwner();
  const [ada, bob, cyd] = [
    await app.addUser("ada", "none"),
    await app.addUser("bob", "none"),
    await app.addUser("cyd", "none"),
  ];
  const json = async (
    method: string,
    path: string,
    user: TestUser | string,
    body?: unknown,
  ): Promise<Answer> => {
    const token = typeof user === "string" ? user : user.token;
    const response = await app.answer(call(method, path, token, body));
    return { status: response.status, body: await response.json() };
  };
  /** acme: three seats, ada its owner, bob a member; cyd is a stranger. */
  await json("POST", ORGS, owner, { name: "acme", seats: 3, owner: "ada" });
  await json("POST", `${ACME}/members`, owner, { user: "bob" });
  const ask = (user: TestUser | string, billTo?: string, tokens = 40, on: TestApp = app) =>
    on.answer(
      chat(
        typeof user === "string" ? user : user.token,
        {
          model: "org/model",
          messages: [{ role: "user", content: "hi" }],
          max_tokens: tokens,
        },
        billTo === undefined ? {} : { "x-hf-bill-to": billTo },
      ),
    );
  const error = async (response: Response) => (await response.json()).error;
  /** What acme has left, in tokens of output. */
  const left = async (): Promise<number> => {
    await app.drain();
    const { body } = await json("GET", `${ACME}/credits`, owner);
    return Number(BigInt(body.spendable_nano_usd) / TOKEN);
  };
  const newGroup = async (name: string, ...members: readonly string[]): Promise<string> => {
    const { body } = await json("POST", `${ACME}/resource-groups`, ada, { name });
    const { id } = body.resource_group;
    for (const user of members) {
      await json("PUT", `${ACME}/resource-groups/${id}/members/${user}`, ada);
    }
    return id;
  };
  return { app, owner, ada, bob, cyd, json, ask, error, left, newGroup, provider, yaml, ...time };
}

const expectBalanced = async ({ app }: { app: TestApp }): Promise<void> => {
  await app.drain();
  expect(await app.site.ledger.audit()).toMatchObject({ balanced: true, faults: [] });
};

describe("who pays", () => {
  test("an organization pays for its members where it is named, and only there", async () => {
    const world = await start();
    const { ask, error, left, bob, app } = world;
    expect(await left()).toBe(300);
    const billed = await ask(bob, "acme");
    expect([billed.status, billed.headers.get("x-turnpike-billed-to")]).toEqual([200, "org:acme"]);
    expect(billed.headers.get("x-turnpike-credits-remaining-nano-usd")).toBe(String(260n * TOKEN));
    expect(await left()).toBe(260);
    const unbilled = await ask(bob);
    expect([unbilled.status, (await error(unbilled)).bucket_name]).toEqual([402, "bob"]);
    await app.grant(bob, "0.1");
    for (const payer of [undefined, "bob"]) {
      const own = await ask(bob, payer, 20);
      expect(own.headers.get("x-turnpike-billed-to")).toBe("user:bob");
    }
    expect(await left()).toBe(260);
    await expectBalanced(world);
  });

  test("who bills to somebody else's organization, to none, or to a user is refused alike", async () => {
    const { ask, error, ada, bob, cyd, left, newGroup, json, owner } = await start();
    await json("POST", ORGS, owner, { name: "zeta", owner: "cyd" });
    const lab = await newGroup("lab", "ada");
    for (const [user, name] of [
      [cyd, "acme"],
      [cyd, "nobody"],
      [cyd, "ada"],
      [cyd, ""],
      [cyd, "acme/lab"],
      [cyd, lab],
      [cyd, "0".repeat(24)],
      [cyd, "x".repeat(5_000)],
      [bob, "zeta"],
      [bob, "Acme"],
      [bob, "acme "],
      [bob, "acme/"],
      [bob, "acme/lab"],
      [bob, lab],
      [bob, `acme/${lab}`],
      [ada, "acme/lab/more"],
      [ada, "zeta/lab"],
      [ada, "/lab"],
      [owner, "acme"],
    ] as const) {
      const answer = await ask(user, name);
      // Spaces around a header's value are not part of it.
      if (name === "acme ") {
        expect(answer.status).toBe(200);
        continue;
      }
      const { code, message } = await error(answer);
      expect({ name, status: answer.status, code }).toEqual({
        name,
        status: 403,
        code: "not_a_member",
      });
      expect(message.length).toBeLessThan(400);
    }
    expect(await left()).toBe(260);
  });

  test("members of an organization without credit are told who can do something about it", async () => {
    const { ask, error, ada, json, owner } = await start();
    await json("POST", ORGS, owner, { name: "zeta", owner: "ada" });
    for (let i = 0; i < 3; i++) expect((await ask(ada, "zeta")).status).toBe(200);
    const short = async () => (await error(await ask(ada, "zeta"))).message;
    expect(await short()).toContain("An owner of zeta can set its spending limit");
    await json("PATCH", `${ORGS}/zeta`, owner, { plan: "none" });
    expect(await short()).toContain("Ask whoever runs this service");
  });

  test("whoever names nobody of theirs is told whom they may name", async () => {
    const { ask, error, ada, bob, json, newGroup, owner } = await start();
    const told = async (user: TestUser) => (await error(await ask(user, "nobody"))).message;
    await newGroup("lab", "bob");
    await newGroup("shop", "ada");
    expect(await told(bob)).toContain("You may bill to acme, acme/lab.");
    await json("PUT", `${ACME}/access`, ada, { who: "admins" });
    expect(await told(bob)).toContain("There is none that you may bill to.");
    for (let i = 0; i < 5; i++) await json("POST", ORGS, owner, { name: `o${i}`, owner: "ada" });
    expect(await told(ada)).toContain("You may bill to acme, acme/shop, o0, o1, o2, ….");
  });

  test("a resource group is billed by its id, or by its name within its organization", async () => {
    const world = await start();
    const { ask, ada, bob, left, newGroup, app } = world;
    const lab = await newGroup("lab", "bob");
    for (const name of [lab, "acme/lab"]) {
      const answer = await ask(bob, name);
      expect([answer.status, answer.headers.get("x-turnpike-billed-to")]).toEqual([
        200,
        "org:acme",
      ]);
    }
    expect((await ask(ada, lab)).status).toBe(403);
    expect(await left()).toBe(220);
    const { db } = await openBooks(app);
    const rows = await db("requests");
    const payer = `org:${app.site.gateway.directory.organizations.org("acme")?.id}`;
    expect(rows.map((row) => [row.payer, row.group_id])).toEqual([
      [payer, lab],
      [payer, lab],
    ]);
    expect(
      (await db("usage_hourly")).map((row) => [row.payer, row.group_id, row.requests]),
    ).toEqual([[payer, lab, 2n]]);
    await expectBalanced(world);
  });

  test("a removed member is refused at once, and is welcome again when added again", async () => {
    const { ask, json, ada, bob, owner, newGroup } = await start();
    const lab = await newGroup("lab", "bob");
    expect((await ask(bob, lab)).status).toBe(200);
    expect((await json("DELETE", `${ACME}/members/bob`, ada)).status).toBe(200);
    for (const name of ["acme", lab, "acme/lab"]) expect((await ask(bob, name)).status).toBe(403);
    await json("POST", `${ACME}/members`, owner, { user: "bob" });
    expect((await ask(bob, "acme")).status).toBe(200);
    // The group has to take him in again, too.
    expect((await ask(bob, lab)).status).toBe(403);
  });

  test("an estimate says what the organization that is named has left", async () => {
    const { app, bob } = await start();
    const body = { model: "org/model", messages: [{ role: "user", content: "hi" }] };
    const estimate = async (headers: Record<string, string>) =>
      (await app.answer(call("POST", "/api/turnpike/estimate", bob.token, body, headers))).json();
    expect((await estimate({})).balance_nano_usd).toBe("0");
    expect((await estimate({ "x-hf-bill-to": "acme" })).balance_nano_usd).toBe(
      String(300n * TOKEN),
    );
    expect((await estimate({ "x-hf-bill-to": "zeta" })).error.code).toBe("not_a_member");
  });
});

describe("limits", () => {
  test("the strictest of them wins, and the 402 names it with its reset", async () => {
    const { ask, error, json, app, ada, bob, newGroup } = await start();
    const lab = await newGroup("lab", "bob");
    const budgeted = await app.addToken(bob, {
      budget: { amount: 15n * TOKEN, period: "total" } as never,
    });
    const refusal = async (token: TestUser | string, name: string) => {
      const answer = await ask(token, name, 400);
      const clamped = answer.headers.get("x-turnpike-clamped");
      if (answer.status === 200) return clamped;
      const { bucket, bucket_name, available_nano_usd, resets_at, message } = await error(answer);
      return {
        bucket,
        bucket_name,
        available: BigInt(available_nano_usd) / TOKEN,
        resets_at,
        message,
      };
    };
    await json("PUT", `${ACME}/limits`, ada, { limit: "0.014" });
    expect(await refusal(bob, "acme")).toMatchObject({
      bucket: "org_limit",
      bucket_name: "acme",
      available: 14n,
      resets_at: "2026-02-01T00:00:00.000Z",
      message: expect.stringContaining("An admin of acme can raise it."),
    });
    await json("PUT", `${ACME}/limits`, ada, { groups: { [lab]: "0.013" } });
    expect(await refusal(bob, lab)).toMatchObject({
      bucket: "group_limit",
      bucket_name: "acme/lab",
      available: 13n,
    });
    await json("PUT", `${ACME}/limits`, ada, { members: { bob: "0.012" } });
    for (const name of [lab, "acme"]) {
      expect(await refusal(bob, name)).toMatchObject({
        bucket: "member_limit",
        bucket_name: "bob",
        available: 12n,
        message: expect.stringContaining("Your monthly limit in acme"),
      });
    }
    expect(await refusal(ada, "acme")).toMatchObject({ bucket: "org_limit" });
    const { own_limits } = (await json("GET", ACME, bob)).body;
    expect(own_limits).toMatchObject({
      user: "bob",
      limit_nano_usd: "12000000",
      spent_this_month_nano_usd: "0",
      groups: [{ id: lab, limit_nano_usd: "13000000", spent_this_month_nano_usd: "0" }],
    });
    const all = { limit: null, groups: { [lab]: null }, members: { bob: null } };
    expect((await json("PUT", `${ACME}/limits`, ada, all)).body).toMatchObject({
      limit_nano_usd: null,
      members: [
        { user: "ada", limit_nano_usd: null },
        { user: "bob", limit_nano_usd: null },
      ],
      groups: [{ id: lab, name: "lab", limit_nano_usd: null }],
    });
    expect(await refusal(budgeted, lab)).toMatchObject({
      bucket: "token_budget",
      available: 15n,
      resets_at: null,
      message: expect.stringContaining("A token with a larger budget can go on."),
    });
    expect(await refusal(bob, lab)).toBe("max_tokens=300");
  });

  test("hold for the month, count what was spent before, and begin anew with the next one", async () => {
    const world = await start();
    const { ask, json, ada, bob, error, setTime, app } = world;
    expect((await ask(bob, "acme")).status).toBe(200);
    await app.drain();
    await json("PUT", `${ACME}/limits`, ada, { members: { bob: "0.1" } });
    expect((await ask(bob, "acme")).status).toBe(200);
    const short = await ask(bob, "acme", 100);
    expect(short.headers.get("x-turnpike-clamped")).toBe("max_tokens=20");
    expect((await error(await ask(bob, "acme", 16))).bucket).toBe("member_limit");
    expect((await ask(ada, "acme")).status).toBe(200);
    setTime(Date.UTC(2026, 1, 1));
    expect((await ask(bob, "acme")).status).toBe(200);
    await expectBalanced(world);
  });

  test("below what is spent leave nothing, and above it leave the difference", async () => {
    const { ask, json, ada, bob, app, error, newGroup } = await start();
    const lab = await newGroup("lab", "bob");
    const set = (limit: string | null) => json("PUT", `${ACME}/limits`, ada, { limit });
    await set("0.2");
    expect((await ask(bob, lab)).status).toBe(200);
    await app.drain();
    const below = await set("0.01");
    expect(below).toMatchObject({
      status: 200,
      body: {
        limit_nano_usd: "10000000",
        spent_this_month_nano_usd: String(40n * TOKEN),
        members: [
          { user: "ada", spent_this_month_nano_usd: "0" },
          { user: "bob", spent_this_month_nano_usd: String(40n * TOKEN) },
        ],
        groups: [{ name: "lab", spent_this_month_nano_usd: String(40n * TOKEN) }],
      },
    });
    expect(await error(await ask(bob, "acme", 16))).toMatchObject({
      bucket: "org_limit",
      available_nano_usd: "0",
    });
    await set("0.07");
    expect((await ask(bob, "acme", 100)).headers.get("x-turnpike-clamped")).toBe("max_tokens=30");
  });

  test("200 requests of 20 members at once get what an organization's pool covers: one", async () => {
    const gate = Promise.withResolvers<void>();
    const world = await start(async () => {
      await gate.promise;
      return plainAnswer({ prompt: 1, completion: 300 });
    });
    const { app, json, owner, ask, left, provider } = world;
    await json("PUT", `${ACME}/seats`, owner, { seats: 22 });
    // The two seats more are credit for more than one: spend the plan's, so that exactly 300 are left.
    await json("PATCH", ACME, owner, { plan: "none" });
    const members = await Promise.all(
      Array.from({ length: 20 }, (_, i) => app.addUser(`m${i}`, "none")),
    );
    for (const { user } of members) {
      await json("POST", `${ACME}/members`, owner, { user: user.name });
    }
    await json("POST", "/api/turnpike/admin/credits", owner, {
      ...{ org: "acme", amount: "0.3", kind: "purchased" },
    });
    const before = await left();
    const asked = Array.from({ length: 200 }, (_, i) => {
      const member = members[i % members.length];
      if (!member) throw new Error("no member");
      return ask(member, "acme", before);
    });
    const answers = Promise.all(asked);
    await until(() => provider.received.length > 0);
    await Bun.sleep(50);
    gate.resolve();
    const statuses = (await answers).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 402)).toHaveLength(199);
    expect(provider.received).toHaveLength(1);
    await expectBalanced(world);
  });

  test("many members at once stay within an organization's, a group's and their own limit", async () => {
    const world = await start();
    const { app, json, owner, ada, ask, left, newGroup } = world;
    await json("PUT", `${ACME}/seats`, owner, { seats: 10 });
    const members = await Promise.all(
      Array.from({ length: 8 }, (_, i) => app.addUser(`m${i}`, "none")),
    );
    const names = members.map(({ user }) => user.name);
    for (const user of names) await json("POST", `${ACME}/members`, owner, { user });
    const lab = await newGroup("lab", ...names.slice(0, 4));
    const before = await left();
    await json("PUT", `${ACME}/limits`, ada, {
      limit: "0.44",
      groups: { [lab]: "0.2" },
      members: Object.fromEntries(names.map((name) => [name, "0.08"])),
    });
    const spent = new Map<string, bigint>();
    const add = (name: string, amount: bigint) => spent.set(name, (spent.get(name) ?? 0n) + amount);
    await Promise.all(
      Array.from({ length: 96 }, async (_, i) => {
        const member = members[i % members.length];
        if (!member) return;
        const isLab = i % members.length < 4;
        const answer = await ask(member, isLab ? lab : "acme");
        if (answer.status !== 200) return;
        const cost = BigInt(answer.headers.get("x-turnpike-cost-nano-usd") ?? "0");
        for (const name of [member.user.name, isLab ? "lab" : "rest", "acme"]) add(name, cost);
      }),
    );
    // 4 × 80 would be 320 for the rest of them, and 200 for the group: the organization's 440 is the least.
    expect(spent.get("acme")).toBe(440n * TOKEN);
    expect(spent.get("lab")).toBeLessThanOrEqual(200n * TOKEN);
    for (const name of names) expect(spent.get(name) ?? 0n).toBeLessThanOrEqual(80n * TOKEN);
    expect(await left()).toBe(before - 440);
    await expectBalanced(world);
  });

  test("are an admin's to set, pay-as-you-go an owner's, and strangers see nothing", async () => {
    const { json, ada, bob, cyd, ask, left } = await start();
    const put = (user: TestUser, body: unknown) => json("PUT", `${ACME}/limits`, user, body);
    expect((await put(bob, { limit: "5" })).body.error.code).toBe("forbidden");
    expect((await put(cyd, { limit: "5" })).body.error.code).toBe("not_a_member");
    expect((await json("GET", `${ACME}/limits`, bob)).status).toBe(403);
    await json("PATCH", `${ACME}/members/bob`, ada, { role: "admin" });
    expect((await put(bob, { limit: "5" })).status).toBe(200);
    expect((await put(bob, { spending_limit: "5" })).body.error.code).toBe("forbidden");
    expect((await put(ada, { spending_limit: "0.1" })).body).toMatchObject({
      spending_limit_nano_usd: "100000000",
      limit_nano_usd: "5000000000",
    });
    expect(await left()).toBe(400);
    for (let i = 0; i < 9; i++) expect((await ask(bob, "acme")).status).toBe(200);
    expect(await left()).toBe(40);
    expect((await put(ada, { spending_limit: null })).status).toBe(200);
    expect((await ask(bob, "acme", 16)).status).toBe(402);
    for (const [body, word] of [
      [{ limit: "1e3" }, "limit"],
      [{ limit: "-1" }, "limit"],
      [{ limit: "0.0000000001" }, "limit"],
      [{ limit: "9223372036.854775808" }, "limit"],
      [{ limit: 5 }, "limit"],
      [{ members: { bob: "1e3" } }, "members.bob"],
      [{ groups: { x: {} } }, "groups.x"],
      [{ budget: "5" }, "budget"],
    ] as const) {
      const { status, body: said } = await put(ada, body);
      expect({ body, status }).toEqual({ body, status: 400 });
      expect(said.error.message).toContain(word);
    }
    expect((await put(ada, { members: { cyd: "5" } })).status).toBe(404);
    expect((await put(ada, { groups: { ["0".repeat(24)]: "5" } })).status).toBe(404);
  });
});

describe("providers", () => {
  test("that an organization disabled serve nothing that is billed to it", async () => {
    const second = fakeProvider(() => plainAnswer({ prompt: 1, completion: 40 }));
    cleanUps.push(second.stop);
    const { app, json, ada, bob, ask, error } = await start(undefined, { other: second.origin });
    const body = { messages: [{ role: "user", content: "hi" }], max_tokens: 20 };
    const pinned = (provider: string, billTo?: string) =>
      app.answer(
        chat(
          bob.token,
          { ...body, model: `org/model:${provider}` },
          billTo ? { "x-hf-bill-to": billTo } : {},
        ),
      );
    const disable = (...disabled: string[]) => json("PUT", `${ACME}/providers`, ada, { disabled });
    const listed = await disable("local");
    expect(
      listed.body.providers.filter((each: { is_disabled: boolean }) => each.is_disabled),
    ).toEqual([{ id: "local", name: "local", is_disabled: true }]);
    for (let i = 0; i < 3; i++) {
      expect((await ask(bob, "acme")).headers.get("x-inference-provider")).toBe("other");
    }
    const refused = await pinned("local", "acme");
    expect([refused.status, await error(refused)]).toMatchObject([
      403,
      { code: "provider_disabled", disabled_providers: ["local"] },
    ]);
    await app.grant(bob, "0.1");
    expect((await pinned("local")).status).toBe(200);
    await json("PUT", "/api/turnpike/me/preferences", bob, { disabled_providers: ["other"] });
    const both = await ask(bob, "acme");
    expect(both.status).toBe(403);
    expect((await error(both)).message).toStartWith(
      "Disabled by the organization acme and your own preferences: local, other.",
    );
    await json("PUT", "/api/turnpike/me/preferences", bob, { disabled_providers: [] });
    await disable("local", "other");
    const none = await ask(bob, "acme");
    expect([none.status, (await error(none)).code]).toEqual([403, "provider_disabled"]);
    await disable();
    expect((await pinned("local", "acme")).status).toBe(200);
    expect((await disable("nonsense")).status).toBe(404);
    expect((await json("PUT", `${ACME}/providers`, bob, { disabled: [] })).status).toBe(403);
  });

  test("are called with the organization's own key where it is named, and nothing is charged", async () => {
    const { app, json, ada, bob, ask, left, provider } = await start();
    const KEY = "the-key-of-acme-9876";
    const put = await json("PUT", `${ACME}/provider-keys/local`, ada, { key: KEY });
    expect(put).toMatchObject({ status: 200, body: { provider: "local", key: "…9876" } });
    await json("PUT", "/api/turnpike/me/provider-keys/local", bob, { key: "the-key-of-bob-12345" });
    const answer = await ask(bob, "acme");
    expect(answer.headers.get("x-turnpike-billed-to")).toBe("provider-key");
    await ask(bob);
    expect(provider.received.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${KEY}`,
      "Bearer the-key-of-bob-12345",
    ]);
    expect(await left()).toBe(300);
    const { db } = await openBooks(app);
    const [stored] = await db("org_provider_keys");
    expect(Object.values(stored ?? {}).join()).not.toContain(KEY);
    const shown = await json("GET", `${ACME}/provider-keys`, ada);
    expect(JSON.stringify(shown.body)).not.toContain(KEY);
    expect((await json("GET", `${ACME}/provider-keys`, bob)).status).toBe(403);
    expect((await json("DELETE", `${ACME}/provider-keys/local`, ada)).status).toBe(200);
    expect((await json("DELETE", `${ACME}/provider-keys/local`, ada)).status).toBe(404);
    expect((await ask(bob, "acme")).headers.get("x-turnpike-billed-to")).toBe("org:acme");
  });
});

describe("access", () => {
  test("is everyone's, the admins', or that of chosen groups", async () => {
    const { json, ask, error, ada, bob, newGroup } = await start();
    const [lab, ops] = [await newGroup("lab", "bob"), await newGroup("ops")];
    const set = (body: unknown, user = ada) => json("PUT", `${ACME}/access`, user, body);
    const statuses = async () =>
      Promise.all(
        [ask(ada, "acme", 1), ask(bob, "acme", 1), ask(bob, lab, 1)].map(
          async (answer) => (await answer).status,
        ),
      );
    expect(await statuses()).toEqual([200, 200, 200]);
    expect((await set({ who: "admins" })).body).toEqual({ who: "admins", groups: [] });
    expect(await statuses()).toEqual([200, 403, 403]);
    const refused = await error(await ask(bob, "acme"));
    expect(refused).toMatchObject({
      code: "forbidden",
      message: expect.stringContaining("admins"),
    });
    expect((await set({ who: "groups", groups: [lab] })).body).toEqual({
      who: "groups",
      groups: [lab],
    });
    expect(await statuses()).toEqual([403, 200, 200]);
    expect((await set({ who: "groups", groups: [ops] })).status).toBe(200);
    expect(await statuses()).toEqual([403, 403, 403]);
    for (const body of [
      { who: "groups" },
      { who: "everyone", groups: [lab] },
      { who: "nobody" },
      { groups: [lab] },
    ]) {
      expect((await set(body)).status).toBe(400);
    }
    expect((await set({ who: "groups", groups: ["x"] })).status).toBe(404);
    expect((await set({ who: "everyone" }, bob)).status).toBe(403);
  });
});

describe("members", () => {
  test("are invited, and accept or decline", async () => {
    const { json, ask, ada, bob, cyd } = await start();
    const MINE = "/api/turnpike/me/invitations";
    const INVITATIONS = `${ACME}/invitations`;
    expect((await json("POST", INVITATIONS, bob, { user: "cyd" })).status).toBe(403);
    const sent = await json("POST", INVITATIONS, ada, { user: "cyd", role: "admin" });
    expect(sent).toMatchObject({
      status: 201,
      body: {
        invitation: {
          org: "acme",
          user: "cyd",
          role: "admin",
          invited_by: "ada",
          state: "pending",
          expires_at: "2026-01-22T12:00:00.000Z",
        },
      },
    });
    const { id } = sent.body.invitation;
    expect((await json("POST", INVITATIONS, ada, { user: "cyd" })).status).toBe(409);
    expect((await json("POST", INVITATIONS, ada, { user: "bob" })).status).toBe(409);
    const unknown = await json("POST", INVITATIONS, ada, { user: "nobody" });
    expect(unknown).toMatchObject({ status: 404, body: { error: { param: "user" } } });
    expect((await ask(cyd, "acme")).status).toBe(403);
    expect((await json("POST", `${MINE}/${id}/accept`, bob)).status).toBe(404);
    expect((await json("GET", MINE, cyd)).body.invitations).toMatchObject([{ id, org: "acme" }]);
    expect((await json("POST", `${MINE}/${id}/accept`, cyd)).body.invitation.state).toBe(
      "accepted",
    );
    expect((await ask(cyd, "acme")).status).toBe(200);
    expect((await json("POST", `${MINE}/${id}/accept`, cyd)).status).toBe(409);
    expect((await json("GET", `${ACME}/members`, cyd)).body.members).toMatchObject([
      { user: "ada", role: "owner" },
      { user: "bob", role: "member" },
      { user: "cyd", role: "admin" },
    ]);
    // Everybody may leave, and be asked again, and say no.
    expect((await json("DELETE", `${ACME}/members/cyd`, cyd)).status).toBe(200);
    const again = (await json("POST", INVITATIONS, ada, { user: "cyd" })).body.invitation;
    const no = await json("POST", `${MINE}/${again.id}/decline`, cyd);
    expect(no.body.invitation.state).toBe("declined");
    expect((await ask(cyd, "acme")).status).toBe(403);
  });

  test("cannot accept an invitation that expired, that was withdrawn, or for which there is no seat", async () => {
    const { json, ada, bob, cyd, owner, app, setTime } = await start();
    const MINE = "/api/turnpike/me/invitations";
    const invite = async (body: object) =>
      (await json("POST", `${ACME}/invitations`, ada, { user: "cyd", ...body })).body;
    const short = await invite({ expires_at: "2026-01-16T00:00:00Z" });
    setTime(Date.UTC(2026, 0, 16));
    const late = await json("POST", `${MINE}/${short.invitation.id}/accept`, cyd);
    expect(late).toMatchObject({ status: 409, body: { error: { code: "conflict" } } });
    expect(late.body.error.message).toContain("expired at 2026-01-16T00:00:00.000Z");
    expect((await json("GET", MINE, cyd)).body.invitations[0].state).toBe("expired");
    const { invitation } = await invite({});
    expect((await json("DELETE", `${ACME}/invitations/${invitation.id}`, bob)).status).toBe(403);
    expect((await json("DELETE", `${ACME}/invitations/${invitation.id}`, ada)).status).toBe(200);
    expect((await json("POST", `${MINE}/${invitation.id}/accept`, cyd)).status).toBe(409);
    const open = await invite({});
    await app.addUser("dan");
    await json("POST", `${ACME}/members`, owner, { user: "dan" });
    const full = await json("POST", `${MINE}/${open.invitation.id}/accept`, cyd);
    expect(full.body.error.message).toContain("All 3 seats of acme are taken. An admin can take");
    expect((await json("GET", `${ACME}/invitations`, ada)).body.invitations).toHaveLength(3);
    for (const body of [
      { expires_at: "2026-01-15T00:00:00Z" },
      { expires_at: "2027-01-15T00:00:00Z" },
      { expires_at: "soon" },
      { role: "boss" },
    ]) {
      expect((await invite(body)).error.code).toBe("bad_request");
    }
  });

  test("give and take no role above their own, and the last owner stays", async () => {
    const { json, ada, bob, app, owner } = await start();
    const dan = await app.addUser("dan");
    await json("POST", `${ACME}/members`, owner, { user: "dan", role: "admin" });
    const role = (user: TestUser, name: string, wanted: string) =>
      json("PATCH", `${ACME}/members/${name}`, user, { role: wanted });
    expect((await role(bob, "dan", "member")).status).toBe(403);
    expect((await role(dan, "bob", "owner")).status).toBe(403);
    expect((await role(dan, "ada", "member")).status).toBe(403);
    expect((await json("DELETE", `${ACME}/members/ada`, dan)).status).toBe(403);
    expect(
      (await json("POST", `${ACME}/invitations`, dan, { user: "cyd", role: "owner" })).status,
    ).toBe(403);
    expect((await role(dan, "bob", "admin")).status).toBe(200);
    expect((await role(ada, "ada", "member")).body.error.message).toContain(
      "make somebody else an owner first",
    );
    expect((await json("DELETE", `${ACME}/members/ada`, ada)).status).toBe(409);
    expect((await role(ada, "dan", "owner")).status).toBe(200);
    expect((await json("DELETE", `${ACME}/members/ada`, ada)).status).toBe(200);
    expect((await role(dan, "nobody", "admin")).status).toBe(404);
    expect((await role(dan, "ada", "admin")).status).toBe(404);
  });
});

describe("the operator", () => {
  test("makes organizations, and decides about plan, seats and members without asking", async () => {
    const { json, owner, ada, bob, cyd, left } = await start();
    for (const user of [ada, bob, cyd]) {
      expect((await json("POST", ORGS, user, { name: "zeta" })).status).toBe(403);
      expect((await json("PUT", `${ACME}/seats`, user, { seats: 9 })).status).toBe(403);
      expect((await json("PATCH", ACME, user, { plan: "enterprise" })).status).toBe(403);
      expect((await json("POST", `${ACME}/members`, user, { user: "cyd" })).status).toBe(403);
    }
    for (const [body, word] of [
      [{ name: "ada" }, "already"],
      [{ name: "acme" }, "already"],
      [{ name: "a b" }, "name"],
      [{ name: "0123456789abcdef01234567" }, "24 hex"],
      [{ name: "zeta", plan: "gold" }, "plan"],
      [{ name: "zeta", seats: 0 }, "seats"],
      [{ name: "zeta", seats: 100_001 }, "seats"],
      [{ name: "zeta", seats: 1.5 }, "seats"],
      [{ name: "zeta", owner: "nobody" }, "nobody"],
      [{}, "name"],
    ] as const) {
      const { status, body: said } = await json("POST", ORGS, owner, body);
      expect([400, 404, 409]).toContain(status);
      expect(said.error.message).toContain(word);
    }
    expect((await json("PUT", `${ACME}/seats`, owner, { seats: 5 })).body).toEqual({
      seats: 5,
      taken: 2,
    });
    expect(await left()).toBe(500);
    const few = await json("PUT", `${ACME}/seats`, owner, { seats: 1 });
    expect(few).toMatchObject({ status: 400, body: { error: { param: "seats" } } });
    expect(few.body.error.message).toContain(
      "has 2 members and needs a seat for each: take somebody out",
    );
    expect((await json("PUT", `${ACME}/seats`, owner, { seats: 2 })).status).toBe(200);
    const full = await json("POST", `${ACME}/members`, owner, { user: "cyd" });
    expect(full.body.error).toMatchObject({ code: "conflict" });
    const changed = await json("PATCH", ACME, owner, { plan: "enterprise", anchor_day: 15 });
    expect(changed.body.org).toMatchObject({ plan: "enterprise", anchor_day: 15, seats: 2 });
    expect((await json("PATCH", ACME, owner, {})).status).toBe(400);
    expect((await json("GET", `${ORGS}/nowhere`, owner)).status).toBe(404);
    expect((await json("GET", `${ORGS}/nowhere`, ada)).body.error.code).toBe("not_a_member");
  });

  test("grants credit to an organization, and sees what it has", async () => {
    const { json, owner, bob, ask } = await start();
    const CREDITS = "/api/turnpike/admin/credits";
    const grant = (body: object) => json("POST", CREDITS, owner, { kind: "purchased", ...body });
    expect((await grant({ org: "acme", amount: "0.5" })).status).toBe(201);
    const unknown = await grant({ org: "nowhere", amount: "1" });
    expect(unknown).toMatchObject({ status: 404, body: { error: { param: "org" } } });
    expect(await json("GET", `${CREDITS}?orga=acme`, owner)).toMatchObject({
      status: 400,
      body: { error: { param: "orga" } },
    });
    expect((await grant({ amount: "1" })).status).toBe(400);
    expect((await grant({ org: "acme", user: "bob", amount: "1" })).status).toBe(400);
    expect((await json("GET", `${CREDITS}?org=acme`, owner)).body).toMatchObject({
      spendable_nano_usd: String(800n * TOKEN),
      buckets: [{ kind: "plan" }, { kind: "purchased" }],
    });
    expect((await json("GET", `${CREDITS}?user=bob`, owner)).body.spendable_nano_usd).toBe("0");
    expect((await json("GET", CREDITS, owner)).status).toBe(400);
    expect((await ask(bob, "acme")).status).toBe(200);
  });

  test("sees all organizations, members only their own", async () => {
    const { json, owner, ada, bob, cyd } = await start();
    await json("POST", ORGS, owner, { name: "zeta", owner: "cyd" });
    const names = async (user: TestUser) =>
      (await json("GET", ORGS, user)).body.orgs.map((each: { name: string; role: string }) => [
        each.name,
        each.role,
      ]);
    expect(await names(ada)).toEqual([["acme", "owner"]]);
    expect(await names(bob)).toEqual([["acme", "member"]]);
    expect(await names(cyd)).toEqual([["zeta", "owner"]]);
    expect(await names(owner)).toEqual([
      ["acme", null],
      ["zeta", null],
    ]);
    expect((await json("GET", ACME, bob)).body).toMatchObject({
      org: { name: "acme", plan: "team", seats: 3 },
      role: "member",
      members: 2,
    });
  });
});

describe("resource groups", () => {
  test("are made, filled, renamed and removed by admins", async () => {
    const { json, ada, bob, cyd, ask } = await start();
    const GROUPS = `${ACME}/resource-groups`;
    const made = await json("POST", GROUPS, ada, { name: "lab" });
    const { id } = made.body.resource_group;
    expect(id).toMatch(/^[0-9a-f]{24}$/);
    expect((await json("POST", GROUPS, ada, { name: "lab" })).status).toBe(409);
    expect((await json("POST", GROUPS, ada, { name: "a/b" })).status).toBe(400);
    expect((await json("POST", GROUPS, bob, { name: "ops" })).status).toBe(403);
    expect((await json("PUT", `${GROUPS}/${id}/members/cyd`, ada)).status).toBe(404);
    expect(
      (await json("PUT", `${GROUPS}/${id}/members/bob`, ada)).body.resource_group.members,
    ).toEqual(["bob"]);
    expect((await ask(bob, "acme/lab")).status).toBe(200);
    expect(
      (await json("PATCH", `${GROUPS}/${id}`, ada, { name: "labs" })).body.resource_group.name,
    ).toBe("labs");
    expect((await ask(bob, "acme/lab")).status).toBe(403);
    expect((await ask(bob, "acme/labs")).status).toBe(200);
    expect(
      (await json("DELETE", `${GROUPS}/${id}/members/bob`, ada)).body.resource_group.members,
    ).toEqual([]);
    expect((await json("DELETE", `${GROUPS}/${id}/members/bob`, ada)).status).toBe(404);
    expect((await ask(bob, id)).status).toBe(403);
    expect((await json("GET", GROUPS, cyd)).status).toBe(403);
    expect((await json("GET", GROUPS, bob)).body.resource_groups).toMatchObject([
      { id, name: "labs" },
    ]);
    expect((await json("DELETE", `${GROUPS}/${id}`, ada)).status).toBe(200);
    expect((await json("DELETE", `${GROUPS}/${id}`, ada)).status).toBe(404);
  });
});

test("every change reaches another process within a second", async () => {
  const { app, json, ask, owner, ada, bob, cyd, yaml, clock } = await start();
  const other = await testApp({ data: app.data, yaml, clock });
  cleanUps.push(other.stop);
  const plenty = { org: "acme", amount: "1000", kind: "promotional" };
  await json("POST", "/api/turnpike/admin/credits", owner, plenty);
  const there = (user: TestUser, tokens = 20) => ask(user, "acme", tokens, other);
  const within = async (change: Promise<Answer>, isThere: () => Promise<boolean>) => {
    const began = performance.now();
    expect((await change).status).toBeLessThan(300);
    await until(isThere);
    expect(performance.now() - began).toBeLessThan(1_000);
  };
  const status = async (user: TestUser) => (await there(user, 1)).status;
  expect(await status(cyd)).toBe(403);
  await within(
    json("POST", `${ACME}/members`, owner, { user: "cyd" }),
    async () => (await status(cyd)) === 200,
  );
  await within(json("DELETE", `${ACME}/members/cyd`, ada), async () => (await status(cyd)) === 403);
  await within(
    json("PUT", `${ACME}/access`, ada, { who: "admins" }),
    async () => (await status(bob)) === 403,
  );
  await within(
    json("PUT", `${ACME}/access`, ada, { who: "everyone" }),
    async () => (await status(bob)) === 200,
  );
  await within(
    json("PUT", `${ACME}/providers`, ada, { disabled: ["local"] }),
    async () => (await status(bob)) === 403,
  );
  await within(
    json("PUT", `${ACME}/providers`, ada, { disabled: [] }),
    async () => (await status(bob)) === 200,
  );
  await within(
    json("PUT", `${ACME}/limits`, ada, { members: { bob: "0" } }),
    async () => (await status(bob)) === 402,
  );
  await within(
    json("PUT", `${ACME}/limits`, ada, { members: { bob: null } }),
    async () => (await status(bob)) === 200,
  );
  await within(
    json("PUT", `${ACME}/provider-keys/local`, ada, { key: "the-key-of-acme" }),
    async () => (await there(bob)).headers.get("x-turnpike-billed-to") === "provider-key",
  );
  await other.drain();
  expect((await app.site.ledger.audit()).balanced).toBe(true);
});

/** The tables beside the running app. */
async function openBooks(app: TestApp) {
  await app.drain();
  const { Database } = await import("bun:sqlite");
  const file = new Database(`${app.data}/turnpike.sqlite`, { readonly: true, safeIntegers: true });
  cleanUps.push(() => file.close());
  return {
    db: async (table: string) =>
      file.query(`select * from ${table}`).all() as Readonly<Record<string, unknown>>[],
  };
}
