import { afterEach, expect, test } from "bun:test";
import { booksWorld, ME } from "./books-world.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const HOUR = 3_600_000;

test("usage is told apart by what is asked for, within the time that is asked for", async () => {
  const world = await booksWorld(cleanUps);
  await world.ask({}, { "x-turnpike-tags": "team=a,env=prod" });
  world.time.advance(2 * HOUR);
  await world.ask({}, { "x-turnpike-tags": "team=b" });
  world.time.advance(24 * HOUR);
  await world.ask({ model: "org/model:local" }, { "x-turnpike-provider-key": "key-of-my-own" });
  const rows = async (query: string) =>
    (await world.read(`${ME}/usage?${query}`)).rows.map((row: Record<string, unknown>) =>
      query
        .replace(/&.*/, "")
        .replace("by=", "")
        .split(",")
        .map((name) => row[name])
        .concat(row.requests, row.cost_nano_usd, row.own_key),
    );
  expect(await rows("by=model")).toEqual([
    ["org/model", 2, "40000", false],
    ["org/model", 1, "0", true],
  ]);
  expect(await rows("by=day,key")).toEqual([
    ["2026-01-15", "routed", 2, "40000", false],
    ["2026-01-16", "own", 1, "0", true],
  ]);
  expect(await rows("by=hour&to=2026-01-16")).toEqual([
    ["2026-01-15T12:00:00Z", 1, "20000", false],
    ["2026-01-15T14:00:00Z", 1, "20000", false],
  ]);
  expect(await rows("by=hour&from=2026-01-15T13:30:00Z&to=2026-01-15T14:00:01Z")).toEqual([
    ["2026-01-15T14:00:00Z", 1, "20000", false],
  ]);
  expect(await rows("by=tag&tag=team")).toEqual([
    ["team=a", 1, "20000", false],
    ["team=b", 1, "20000", false],
  ]);
  expect(await rows("by=provider&tag=env=prod")).toEqual([["local", 1, "20000", false]]);
  expect(await rows("by=member,token")).toHaveLength(2);
  const byTag = await world.read(`${ME}/usage?by=tag`);
  expect(byTag.rows).toHaveLength(3);
  expect(byTag).toMatchObject({
    total_cost_nano_usd: "40000",
    to: expect.stringContaining("2026"),
  });
});

test("usage comes as a table for spreadsheets", async () => {
  const world = await booksWorld(cleanUps);
  await world.ask();
  const answer = await world.get(`${ME}/usage?by=model,provider&format=csv`);
  expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(answer.headers.get("content-disposition")).toContain('"usage-by-model-provider.csv"');
  const [header, row, end] = (await answer.text()).split("\r\n");
  expect(header).toStartWith("model,provider,requests,failed,input_tokens,");
  expect(row).toStartWith("org/model,local,1,0,10,0,5,0,");
  expect(row).toEndWith(",false,0.00002,20000,0");
  expect(end).toBe("");
});

test("usage asked for in a way that means nothing is refused, and the mistake is named", async () => {
  const world = await booksWorld(cleanUps);
  const table: readonly (readonly [query: string, param: string, says: string])[] = [
    ["by=colour", "by", "must be one of"],
    ["by=", "by", "must be one of"],
    ["by=model,model", "by", "twice"],
    ["by=model,provider,day,token", "by", "3 things at most"],
    ["from=yesterday", "from", "must be a day like"],
    ["from=2026-02-30", "from", "must be a day like"],
    ["from=2026-01-15T12:00", "from", "must be a day like"],
    ["to=1e9", "to", "must be a day like"],
    ["from=2026-01-02&to=2026-01-01", "from", "must lie before"],
    ["from=2020-01-01&to=2026-01-01", "from", "1100 days at most"],
    ["tag=team", "tag", "no name=value"],
    ["tag=a=b,c=d", "tag", "one name=value"],
    ["by=tag&tag=no good", "tag", "a name is"],
    ["format=xml", "format", "json or csv"],
    ["form=2026-01-01", "form", "may have by, from, to, tag, format"],
  ];
  for (const [query, param, says] of table) {
    const answer = await world.get(`${ME}/usage?${query}`);
    const { error } = await answer.json();
    expect({ query, status: answer.status }).toEqual({ query, status: 400 });
    expect(error.message).toContain(says);
    expect({ query, param: error.param }).toEqual({ query, param });
  }
});

test("showing usage and statements reads no request, however many there are", async () => {
  const world = await booksWorld(cleanUps);
  await world.ask();
  await world.app.drain();
  const { openStore } = await import("../../src/store/open.js");
  const { storePlace } = await import("../../src/app/stores.js");
  const { sql } = await import("kysely");
  const database = await openStore(storePlace(world.app.config));
  const { rows: views } = await sql<{ name: string; sql: string }>`
    select name, sql from sqlite_master where type = 'view' order by rowid`.execute(database.db);
  for (const { name } of views) await sql`drop view ${sql.table(name)}`.execute(database.db);
  await sql`alter table settlements rename to settlements_elsewhere`.execute(database.db);
  try {
    for (const path of ["usage", "usage?by=tag", "invoices", "invoices/2026-01"]) {
      const answer = await world.app.answer(
        new Request(`http://turnpike.test${ME}/${path}`, {
          headers: { authorization: `Bearer ${world.ada.token}` },
        }),
      );
      expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    }
    const estimate = new Request("http://turnpike.test/api/turnpike/estimate", {
      method: "POST",
      headers: { authorization: `Bearer ${world.ada.token}` },
      body: JSON.stringify({ model: "org/model" }),
    });
    expect((await world.app.answer(estimate)).status).toBe(200);
  } finally {
    await sql`alter table settlements_elsewhere rename to settlements`.execute(database.db);
    for (const view of views) await sql.raw(view.sql).execute(database.db);
    await database.close();
  }
});
