/** What an organization paid for, as those who run it read it. */
import { afterEach, expect, test } from "bun:test";
import { checkReceipt } from "../../src/ledger/signed-receipt.js";
import { call } from "../support/app.js";
import { booksWorld } from "./books-world.js";

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const ACME = "/api/turnpike/orgs/acme";

/** acme: ada owns it, bob is a member, cyd is a stranger. */
async function start() {
  const world = await booksWorld(cleanUps);
  const { app, ada } = world;
  const owner = await app.addOwner();
  const bob = await app.addUser("bob");
  const cyd = await app.addUser("cyd");
  const post = (path: string, body: object) => app.answer(call("POST", path, owner.token, body));
  await post("/api/turnpike/orgs", { name: "acme", seats: 3, owner: "ada" });
  await post(`${ACME}/members`, { user: "bob" });
  const group = await app.answer(
    call("POST", `${ACME}/resource-groups`, ada.token, { name: "lab" }),
  );
  const { id } = (await group.json()).resource_group;
  await app.answer(call("PUT", `${ACME}/resource-groups/${id}/members/bob`, ada.token));
  return { ...world, owner, bob, cyd, groupId: id as string };
}

test("who used what is told by member, group and tag, of what the organization paid for", async () => {
  const world = await start();
  const { ada, bob, ask, read, groupId } = world;
  await ask({}, { "x-hf-bill-to": "acme", "x-turnpike-tags": "team=a" });
  await ask({}, { "x-hf-bill-to": "acme/lab" }, bob.token);
  await ask({}, {}, bob.token);
  const usage = (by: string) => read(`${ACME}/usage?by=${by}`);
  expect(await usage("member,group")).toMatchObject({
    rows: expect.arrayContaining([
      expect.objectContaining({
        ...{
          member: ada.user.id,
          member_name: "ada",
          group: "",
          group_name: null,
          cost_nano_usd: "20000",
        },
      }),
      expect.objectContaining({
        ...{ member: bob.user.id, member_name: "bob", cost_nano_usd: "20000" },
        ...{ group: groupId, group_name: "acme/lab" },
      }),
    ]),
    total_cost_nano_usd: "40000",
  });
  expect((await usage("tag")).rows).toMatchObject([{ tag: "team=a", requests: 1 }]);
  const table = await (await world.get(`${ACME}/usage?by=member,group&format=csv`)).text();
  expect(table).toStartWith("member,group,member_name,group_name,requests,");
  expect(table).toContain(`${bob.user.id},${groupId},bob,acme/lab,1,`);
  expect((await read(`${ACME}/members`)).members).toMatchObject([
    { user: "ada", user_id: ada.user.id, role: "owner" },
    { user: "bob", user_id: bob.user.id, role: "member" },
  ]);
  // What bob did himself is more than what acme paid for.
  const own = await read("/api/turnpike/me/usage?by=payer", bob.token);
  expect(own.rows.map((row: { payer_name: string }) => row.payer_name).sort()).toEqual([
    "acme",
    "bob",
  ]);
  // What members call their tokens is theirs to know.
  expect((await usage("token")).rows).toMatchObject([{ token_name: null }, { token_name: null }]);
  const byToken = await read("/api/turnpike/me/usage?by=token", bob.token);
  expect(byToken.rows).toMatchObject([{ token_name: "first" }]);
});

test("its receipts and statements are for those who run it, and add up", async () => {
  const world = await start();
  const { app, ada, bob, cyd, owner, ask, get, read } = world;
  const billed = await ask({}, { "x-hf-bill-to": "acme" }, bob.token);
  const unbilled = await ask({}, {}, bob.token);
  const receipt = await get(`${ACME}/requests/${billed.id}`);
  const text = await receipt.text();
  expect(checkReceipt(text, app.site.receiptKey.publicKey)).toMatchObject({ ok: true });
  const { receipt: said } = JSON.parse(text);
  expect(said).toMatchObject({ user_id: bob.user.id, payer: expect.stringMatching(/^org:/) });
  expect(said.debits[0]).toMatchObject({ bucket: said.payer, amount_nano_usd: "20000" });
  expect((await get(`${ACME}/requests/${unbilled.id}`)).status).toBe(404);

  expect((await read(`${ACME}/requests`)).requests).toMatchObject([
    { inference_id: billed.id, member: bob.user.id, member_name: "bob", cost_nano_usd: "20000" },
  ]);
  expect((await read("/api/turnpike/me/requests", bob.token)).requests).toHaveLength(2);

  const statement = await read(`${ACME}/invoices/2026-01`);
  expect(statement).toMatchObject({
    payer: { id: said.payer, name: "acme" },
    charged_nano_usd: "20000",
    usage: [{ charged_nano_usd: "20000" }],
  });
  expect((await read(`${ACME}/invoices`)).invoices).toMatchObject([{ month: "2026-01" }]);
  for (const path of [
    "usage",
    "requests",
    "invoices",
    "invoices/2026-01",
    `requests/${billed.id}`,
  ]) {
    const statusFor = async (token: string) => (await get(`${ACME}/${path}`, token)).status;
    expect([path, await statusFor(bob.token), await statusFor(cyd.token)]).toEqual([
      path,
      403,
      403,
    ]);
    expect([path, await statusFor(ada.token), await statusFor(owner.token)]).toEqual([
      path,
      200,
      200,
    ]);
  }
});

test("a member who is deleted leaves, unless they are the last owner; their part stays in the books", async () => {
  const world = await start();
  const { app, ada, bob, owner, ask, read } = world;
  await ask({}, { "x-hf-bill-to": "acme", "x-turnpike-tags": "team=a" }, bob.token);
  const remove = (name: string) =>
    app.answer(call("DELETE", `/api/turnpike/admin/users/${name}`, owner.token));
  const refused = await remove("ada");
  expect(refused.status).toBe(409);
  expect((await refused.json()).error.message).toContain("last owner of acme");
  expect((await ask({}, { "x-hf-bill-to": "acme" }, ada.token)).status).toBe(200);
  expect((await remove("bob")).status).toBe(200);
  const { members } = await read(`${ACME}/members`);
  expect(members).toHaveLength(1);
  expect(JSON.stringify(members)).not.toContain(bob.user.id);
  const { rows } = await read(`${ACME}/usage?by=member,tag`);
  expect(rows).toMatchObject([{ member: bob.user.id, member_name: null, tag: "team=a" }]);
  expect((await app.site.ledger.audit()).balanced).toBe(true);
});
