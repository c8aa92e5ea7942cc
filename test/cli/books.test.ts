import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nanoUsd } from "../../src/kernel/money.js";
import { openPayment } from "../../src/ledger/payment.js";
import { printPublicKey, receiptKey } from "../../src/ledger/receipt-key.js";
import { signReceipt } from "../../src/ledger/signed-receipt.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { paymentStore } from "../../src/store/payments/payments.js";
import { batchOf, grantOf, settlementOf } from "../support/ledger.js";
import { commandLine } from "./support.js";

const SECRET = "ab".repeat(32);
const cli = commandLine();
const withSecret = commandLine({ TURNPIKE_SECRET: SECRET });
afterAll(() => {
  cli.remove();
  withSecret.remove();
});

const key = receiptKey(Buffer.from(SECRET, "hex"));
const text = JSON.stringify(signReceipt({ inference_id: "r1", cost_nano_usd: "1620" }, key));

const fileOf = (content: string, name: string, folder = cli.folder): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

test("a receipt is verified without a network, a server or an account", async () => {
  const receipt = fileOf(text, "receipt.json");
  const published = fileOf(JSON.stringify(printPublicKey(key)), "key.json");
  const pem = fileOf(printPublicKey(key).public_key, "key.pem");
  for (const path of [published, pem]) {
    const verdict = await cli.json("receipt", "verify", receipt, "--key", path);
    expect(verdict).toEqual({ valid: true, inference_id: "r1" });
  }
  const people = await cli.run("receipt", "verify", receipt, "--key", pem);
  expect(people).toEqual({
    code: 0,
    printed: "Genuine: request r1, $0.00000162.\n",
    complaint: "",
  });
  const server = Bun.serve({
    port: 0,
    fetch: ({ url }) =>
      url.endsWith("/api/turnpike/receipt-key")
        ? Response.json(printPublicKey(key))
        : new Response("no", { status: 404 }),
  });
  const url = `http://127.0.0.1:${server.port}`;
  const fetched = await cli.json(
    "receipt",
    "verify",
    receipt,
    "--key",
    `${url}/api/turnpike/receipt-key`,
  );
  expect(fetched.valid).toBe(true);
  expect(await cli.run("receipt", "verify", receipt, "--key", `${url}/other`)).toMatchObject({
    code: 1,
    complaint: expect.stringContaining("status 404"),
  });
  await server.stop(true);
  // Whoever has the secret has the key; nobody else gets one made for this.
  const own = fileOf(text, "receipt.json", withSecret.folder);
  expect(await withSecret.json("receipt", "verify", own)).toMatchObject({ valid: true });
  expect(await cli.run("receipt", "verify", receipt)).toMatchObject({
    code: 1,
    complaint: expect.stringContaining("Give --key"),
  });
  expect(existsSync(join(cli.folder, ".turnpike", "secret"))).toBe(false);
}, 30_000);

test("a receipt that was changed, is another's, or is none, is refused and called so", async () => {
  const pem = fileOf(printPublicKey(key).public_key, "key.pem");
  const verify = async (content: string, other = pem) => {
    const path = fileOf(content, "candidate.json");
    const { code, printed } = await cli.run("receipt", "verify", path, "--key", other, "--json");
    return { code, ...JSON.parse(printed) };
  };
  expect(await verify(text.replace("1620", "1621"))).toMatchObject({
    code: 1,
    valid: false,
    why: "changed",
    message: expect.stringContaining("was changed after it was signed"),
  });
  const stranger = fileOf(printPublicKey(receiptKey(Buffer.alloc(32))).public_key, "other.pem");
  expect(await verify(text, stranger)).toMatchObject({ code: 1, why: "other_key" });
  expect(await verify("{}")).toMatchObject({ code: 1, why: "not_a_receipt" });
  const nothing = await cli.run("receipt", "verify", "nowhere.json", "--key", pem);
  expect(nothing).toMatchObject({ code: 1, complaint: "The file nowhere.json does not exist.\n" });
  const noKey = await cli.run(
    "receipt",
    "verify",
    fileOf(text, "r.json"),
    "--key",
    fileOf("x", "x"),
  );
  expect(noKey).toMatchObject({
    code: 1,
    complaint: expect.stringContaining("no Ed25519 public key"),
  });
}, 30_000);

test("an estimate by command says what it rests on", async () => {
  const config = fileOf(
    JSON.stringify({
      providers: { mine: { type: "openai-compatible", base_url: "http://127.0.0.1:9" } },
      models: [
        {
          id: "org/image",
          task: "text-to-image",
          providers: [{ provider: "mine", provider_model: "x", price: { megapixel: "0.01" } }],
        },
        {
          id: "org/priceless",
          task: "text-to-image",
          providers: [{ provider: "mine", provider_model: "y" }],
        },
      ],
    }),
    "turnpike.yaml",
  );
  expect(existsSync(config)).toBe(true);
  expect(await cli.json("estimate", "org/image", "--task", "text-to-image")).toMatchObject({
    model: "org/image",
    providers: [
      {
        provider: "mine",
        assumes: { megapixels: "1.048576" },
        calls: { "0.10": "9", "2.00": "190" },
      },
    ],
  });
  for (const command of [["estimate"], ["model", "show"]]) {
    expect((await cli.json(...command, "org/image")).providers[0].ready).toBe(true);
    const priceless = await cli.json(...command, "org/priceless");
    expect(priceless.providers[0]).toMatchObject({ ready: false, why_not: "has no price" });
  }
  const said = await cli.json("estimate", "org/image:mine", "--assume", "megapixels=0.5");
  expect(said.providers[0].calls["0.10"]).toBe("20");
  const people = await cli.run("estimate", "org/image");
  expect(people.printed).toContain("1.048576 megapixels");
  for (const [args, says] of [
    [["org/none"], 'There is no model "org/none"'],
    [["org/image:nobody"], "does not serve"],
    [["org/image", "--task", "conversational"], "is for text-to-image"],
    [["org/image", "--task", "dreaming"], "expected"],
    [["org/image", "--assume", "sheep=1"], "sheep"],
    [["org/image", "--assume", "sheep"], "no name=value"],
  ] as const) {
    const { code, complaint } = await cli.run("estimate", ...args);
    expect({ args, code }).toEqual({ args, code: 1 });
    expect(complaint).toContain(says);
  }
}, 60_000);

test("usage by command is told apart by several things, and comes as a table", async () => {
  const { user } = await cli.json("user", "add", "ada");
  const funds = `user:${user.id}`;
  const database = await openStore(join(cli.folder, ".turnpike", "turnpike.sqlite"));
  const ledger = ledgerStore(database);
  const at = Date.UTC(2026, 0, 15, 12);
  await ledger.openNode("a", at);
  await ledger.grant(grantOf(funds, 1_000_000n, { id: "grant:x" }));
  const { tokens } = await cli.json("token", "list", "--user", "ada");
  const tokenId: string = tokens[0].id;
  const facts = { at, userId: user.id, tokenId, payer: funds, tags: ["team=a"] };
  const settlement = settlementOf("r1", { "grant:x": 1_620n }, facts);
  await ledger.applySettlements(batchOf("a", [settlement]));
  await database.close();
  const time = ["--from", "2026-01-15", "--to", "2026-01-16"];
  expect(await cli.json("usage", "--user", "ada", "--by", "day,tag", ...time)).toMatchObject({
    rows: [{ day: "2026-01-15", tag: "team=a", requests: 1, cost_nano_usd: "1620" }],
    total_cost_nano_usd: "1620",
  });
  const paid = await cli.json("usage", "--user", "ada", "--paid", "--by", "member", ...time);
  expect(paid.rows[0].member).toBe(user.id);
  const named = ["usage", "--user", "ada", "--by", "token,payer", ...time];
  expect((await cli.json(...named)).rows).toMatchObject([
    { token: tokenId, token_name: "first", payer: funds, payer_name: "ada" },
  ]);
  expect((await cli.run(...named)).printed).toMatch(/^first +ada +1 /m);
  const csv = await cli.run("usage", "--user", "ada", "--csv", ...time);
  expect(csv.printed.split("\r\n")[1]).toStartWith("org/model,1,0,10,");
  const people = await cli.run("usage", "--user", "ada", ...time);
  expect(people.printed).toContain("Total $0.00000162");
  expect((await cli.json("usage", "--user", "ada", "--days", "1")).rows).toEqual([]);
  for (const [args, says] of [
    [["--by", "colour"], '"by" must be one of'],
    [["--from", "yesterday"], '"from" must be a day'],
    [["--days", "0"], "--days"],
    [["--tag", "team"], "no name=value"],
  ] as const) {
    const { code, complaint } = await cli.run("usage", "--user", "ada", ...args);
    expect({ args, code }).toEqual({ args, code: 1 });
    expect(complaint).toContain(says);
  }
}, 60_000);

test("a user deleted by command is forgotten, and the books still balance", async () => {
  const { user } = await cli.json("user", "add", "grace");
  expect(await cli.json("user", "delete", "grace")).toEqual({ deleted: user.id });
  const { users } = await cli.json("user", "list");
  expect(users.map(({ name }: { name: string }) => name)).not.toContain("grace");
  expect(await cli.run("user", "delete", "grace")).toMatchObject({ code: 1 });
  expect(await cli.json("audit")).toMatchObject({ balanced: true });
  // The name is free for somebody else.
  await cli.json("user", "add", "grace");
}, 30_000);

test("what was known of a deleted user cannot be read out of the database's file", async () => {
  const isInFile = (word: string) =>
    readFileSync(join(cli.folder, ".turnpike", "turnpike.sqlite"), "latin1").includes(word);
  await cli.json("user", "add", "evelyn-the-spy");
  await cli.json("token", "create", "--user", "evelyn-the-spy", "--name", "spyglass");
  expect(["evelyn-the-spy", "spyglass"].map(isInFile)).toEqual([true, true]);
  await cli.json("user", "delete", "evelyn-the-spy");
  expect(["evelyn-the-spy", "spyglass"].map(isInFile)).toEqual([false, false]);
}, 30_000);

test("payments are listed by the name of who bought, of all or of one", async () => {
  const { org } = await cli.json("org", "create", "buyers");
  const { user } = await cli.json("user", "add", "zed");
  const database = await openStore(join(cli.folder, ".turnpike", "turnpike.sqlite"));
  for (const bucket of [`org:${org.id}`, `user:${user.id}`]) {
    const amount = nanoUsd(5_000_000_000n);
    const payment = openPayment({ id: bucket, bucket, amount, sessionId: bucket, createdAt: 1 });
    await paymentStore(database).add(payment, { openMax: 1, since: 0 });
  }
  await database.close();
  const payers = async (...args: string[]) =>
    (await cli.json("payment", "list", ...args)).payments.map(
      ({ payer }: { payer: string }) => payer,
    );
  expect((await payers()).sort()).toEqual(["buyers", "zed"]);
  expect(await payers("--org", "buyers")).toEqual(["buyers"]);
  expect(await payers("--user", "zed")).toEqual(["zed"]);
  expect((await cli.run("payment", "list", "--org", "zed")).complaint).toContain("zed");
}, 30_000);
