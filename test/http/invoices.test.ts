import { afterEach, expect, test } from "bun:test";
import type { Statement } from "../../src/ledger/statement.js";
import { AT_REST, call } from "../support/app.js";
import { plainAnswer } from "../support/provider.js";
import { booksWorld, fundsOf, ME, type World } from "./books-world.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const DAY = 86_400_000;
const CENT = 10_000_000n;

/** A payer's charges of a month, by transfers alone: what a statement must say to the nano-dollar. */
async function chargedBy(world: World, month: string): Promise<bigint> {
  const [start, end] = [`${month}-01`, month].map((name) => new Date(`${name.slice(0, 7)}-01Z`));
  end?.setUTCMonth(end.getUTCMonth() + 1);
  const rows = await transfers(world);
  const ours = (account: string) => account.startsWith(`grant:${fundsOf(world.ada)}:`);
  return rows
    .filter(({ at }) => at >= Number(start) && at < Number(end))
    .filter(({ code }) => code === "settle" || code === "adjust")
    .reduce(
      (sum, { debit, credit, amount }) =>
        sum + (ours(debit) ? amount : 0n) - (ours(credit) ? amount : 0n),
      0n,
    );
}

/** The whole ledger, read past every function that is tested here. */
async function transfers({ app }: World) {
  const { openStore } = await import("../../src/store/open.js");
  const { storePlace } = await import("../../src/app/stores.js");
  const database = await openStore(storePlace(app.config));
  const rows = await database.db.selectFrom("transfers").selectAll().execute();
  await database.close();
  return rows.map((row) => ({ ...row, at: Number(row.at) }));
}

type Printed = {
  readonly month: string;
  readonly state: string;
  readonly charged_nano_usd: string;
  readonly due_nano_usd: string;
  readonly accounts: readonly {
    readonly kind: string;
    readonly opening_nano_usd: string;
    readonly closing_nano_usd: string;
    readonly moves_nano_usd: Readonly<Record<string, string>>;
  }[];
  readonly usage: readonly { readonly charged_nano_usd: string }[];
};

/** Both sides of a statement, and whether each account's moves lead from where it began to where it ended. */
function addsUp(statement: Printed): boolean {
  const used = statement.usage.reduce((sum, line) => sum + BigInt(line.charged_nano_usd), 0n);
  const lead = statement.accounts.every((account) => {
    const moves = Object.values(account.moves_nano_usd).map(BigInt);
    const end = moves.reduce((sum, move) => sum + move, BigInt(account.opening_nano_usd));
    return end === BigInt(account.closing_nano_usd);
  });
  return lead && used === BigInt(statement.charged_nano_usd);
}

test("every statement adds up to the ledger, over months with all that can happen in them", async () => {
  let tokens = 0;
  const world = await booksWorld(cleanUps, {
    reply: () => plainAnswer({ prompt: 3, completion: ++tokens }),
    price: { input: "7", output: "1000" },
    at: Date.UTC(2026, 0, 30, 12),
  });
  const owner = await world.app.addOwner();
  await world.app.answer(
    call("PATCH", "/api/turnpike/admin/users/ada", owner.token, {
      plan: "pro",
      spending_limit: "1.00",
    }),
  );
  await world.app.grant(world.ada, "0.05");
  for (let day = 0; day < 70; day++) {
    for (let i = 0; i < 3; i++) {
      const answer = await world.ask({ max_tokens: 500 });
      expect([200, 402]).toContain(answer.status);
    }
    world.time.advance(DAY);
    if (day % 7 === 0) await world.app.grant(world.ada, "0.01");
    await world.app.site.gateway.keeper.returnAll();
    await world.app.site.ledger.expireAccounts(world.app.site.gateway.clock.now());
  }
  const { invoices } = await world.read(`${ME}/invoices`);
  const months = invoices.map(({ month }: Printed) => month);
  expect(months).toEqual(["2026-04", "2026-03", "2026-02", "2026-01"]);
  let dueAtAll = 0n;
  for (const listed of invoices as readonly Printed[]) {
    const statement: Printed = await world.read(`${ME}/invoices/${listed.month}`);
    expect(statement).toMatchObject({
      month: listed.month,
      state: listed.month === "2026-04" ? "open" : "closed",
      charged_nano_usd: String(await chargedBy(world, listed.month)),
    });
    expect(listed).toMatchObject({
      charged_nano_usd: statement.charged_nano_usd,
      due_nano_usd: statement.due_nano_usd,
      state: statement.state,
    });
    expect({ month: listed.month, addsUp: addsUp(statement) }).toMatchObject({ addsUp: true });
    dueAtAll += BigInt(statement.due_nano_usd);
  }
  expect(dueAtAll).toBeGreaterThan(0n);
  expect(await world.app.state(world.ada)).toEqual(AT_REST);
}, 60_000);

test("a statement comes as JSON, a table or a page to print, as it is asked for", async () => {
  const world = await booksWorld(cleanUps);
  await world.ask();
  const path = `${ME}/invoices/2026-01`;
  const typeOf = async (query: string, accept?: string) =>
    (await world.get(path + query, world.ada.token, accept ? { accept } : {})).headers.get(
      "content-type",
    );
  const [JSON_TYPE, CSV, HTML] = ["application/json", "text/csv", "text/html"];
  expect(await typeOf("")).toContain(JSON_TYPE);
  expect(await typeOf("?format=csv", HTML)).toContain(CSV);
  expect(await typeOf("?format=html")).toContain(HTML);
  expect(await typeOf("", "text/html,application/xhtml+xml,*/*;q=0.8")).toContain(HTML);
  expect(await typeOf("", "text/csv;q=0.9")).toContain(CSV);
  expect(await typeOf("", "*/*")).toContain(JSON_TYPE);
  const table = await (await world.get(`${path}?format=csv`)).text();
  expect(table.split("\r\n")).toContain("2026-01,usage,org/model,local,false,1,10,5,0.00002,20000");
  expect(table.split("\r\n")).toContain("2026-01,total,charged,,,,,,0.00002,20000");
  const page = await world.get(`${path}?format=html`);
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  const html = await page.text();
  expect(html).toContain("<h1>Statement 2026-01 (so far: the month is not over)</h1>");
  expect(html).toContain("$0.00002");
  expect(html).not.toContain("<script");
});

test("what a user is called, and what a model is, cannot become part of the page", async () => {
  const { statementPage } = await import("../../src/http/account/statement-page.js");
  const statement: Statement = {
    payer: "user:<b>",
    month: { name: "2026-01", start: 0, end: 1 },
    charged: 1n as never,
    due: 0n as never,
    accounts: [],
    usage: [
      {
        model: "<script>alert(1)</script>",
        provider: "&",
        isOwnKey: true,
        requests: 1,
        inputTokens: 1,
        outputTokens: 1,
        charged: 1n as never,
      },
    ],
  };
  const html = await statementPage(statement, { name: "<i>", at: 0, state: "closed" }).text();
  for (const raw of ["<script>", "<i>", "user:<b>"]) expect(html).not.toContain(raw);
});

test("a month that is none, and a form that there is not, are refused and named", async () => {
  const world = await booksWorld(cleanUps);
  for (const month of ["2026-13", "2026-1", "2026-01-01", "january", "2026-02", "9999-12", "%00"]) {
    const answer = await world.get(`${ME}/invoices/${month}`);
    expect({ month, status: answer.status }).toEqual({ month, status: 404 });
  }
  const answer = await world.get(`${ME}/invoices/2026-01?format=pdf`);
  expect(answer.status).toBe(400);
  expect((await answer.json()).error).toMatchObject({
    param: "format",
    message: '"format" must be json or csv or html.',
  });
  expect((await world.get(`${ME}/invoices/2025-12`)).status).toBe(200);
});

test("a deleted user is forgotten, and the owner still finds statements that add up", async () => {
  const world = await booksWorld(cleanUps, { price: { input: "0", output: "1000" } });
  const owner = await world.app.addOwner();
  await world.ask({}, { "x-turnpike-tags": "project=secret" });
  const before: Printed = await world.read(`${ME}/invoices/2026-01`);
  const admin = (method: string, path: string) =>
    world.app.answer(call(method, `/api/turnpike/admin/users/${path}`, owner.token));
  const { id } = world.ada.user;

  const deleted = await admin("DELETE", id);
  expect(await deleted.json()).toEqual({ deleted: id });

  expect((await world.ask()).status).toBe(401);
  expect((await world.get(ME)).status).toBe(401);
  expect((await admin("GET", "ada")).status).toBe(404);
  expect((await admin("DELETE", "ada")).status).toBe(404);
  expect((await admin("DELETE", id)).status).toBe(404);
  const listed = await world.app.answer(call("GET", "/api/turnpike/admin/users", owner.token));
  expect((await listed.json()).users.map(({ name }: { name: string }) => name)).toEqual(["owner"]);
  const after = await (await admin("GET", `${id}/invoices/2026-01`)).json();
  expect(after).toMatchObject({
    charged_nano_usd: String((5n * CENT) / 10n),
    accounts: before.accounts,
    usage: before.usage,
    payer: { id: fundsOf(world.ada), name: `deleted:${id}` },
  });
  const { invoices } = await (await admin("GET", `${id}/invoices`)).json();
  expect(invoices).toHaveLength(1);
  expect((await admin("GET", "nobody/invoices")).status).toBe(404);
  expect((await admin("DELETE", "owner")).status).toBe(409);
  expect((await world.app.site.ledger.audit()).balanced).toBe(true);
});
