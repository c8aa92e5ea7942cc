/** `kill -9` between a webhook's arrival and its grant: Stripe tells it again, and it counts once. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { StripeEvent } from "../../sim/stripe/objects.js";
import { type StripeSim, startStripe } from "../../sim/stripe/server.js";
import { tempFolder } from "../support/app.js";
import {
  CHECKOUT,
  HOOK,
  SECRET_KEY,
  STRIPE_ENV,
  shopYaml,
  WEBHOOK_SECRET,
} from "../support/shop.js";
import {
  type Node,
  OWNER_TOKEN,
  readBooks,
  type Site,
  sqliteOf,
  startSite,
  sums,
} from "./support.js";

const KILLS = 8;
const TEN = 10_000_000_000n;

let site: Site;
let stripe: StripeSim;
const folder = tempFolder();
const config = join(folder.path, "shop.yaml");

beforeAll(async () => {
  site = startSite();
  stripe = startStripe({ secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET });
  await Bun.write(config, shopYaml(stripe.origin));
});
afterAll(async () => {
  await site.end();
  stripe.stop();
  folder.remove();
});

const start = (data: string): Promise<Node> =>
  site.node({ data, env: { ...STRIPE_ENV, TURNPIKE_CONFIG: config } });

/** A buyer who has paid, as Stripe's event that nobody has heard yet. */
async function pay(node: Node): Promise<StripeEvent> {
  const response = await fetch(`${node.origin}${CHECKOUT}`, {
    method: "POST",
    headers: { authorization: `Bearer ${OWNER_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ amount: "10" }),
  });
  const { url } = await response.json();
  return stripe.account.pay(stripe.account.sessionAt(url));
}

/** The status, or undefined when nobody answered. */
async function deliver(node: Node, event: StripeEvent): Promise<number | undefined> {
  const { body, signature } = stripe.sign(event);
  const headers = { "stripe-signature": signature };
  return fetch(`${node.origin}${HOOK}`, { method: "POST", headers, body }).then(
    ({ status }) => status,
    () => undefined,
  );
}

test("killed while the grant waited for the store, the event is granted when it comes again", async () => {
  const data = site.freshFolder();
  const node = await start(data);
  const event = await pay(node);
  // Whoever writes now waits for this.
  const blocker = new Database(sqliteOf(node));
  blocker.run("begin immediate");
  const answer = deliver(node, event);
  await Bun.sleep(300);
  await node.kill();
  expect(await answer).toBeUndefined();
  blocker.run("rollback");
  blocker.close();
  expect(sums(await readBooks(sqliteOf(node))).granted).toBe(0n);

  const again = await start(data);
  const answers = await Promise.all(Array.from({ length: 5 }, () => deliver(again, event)));
  expect(answers).toEqual([200, 200, 200, 200, 200]);
  const list = await site.cli(again, "payment", "list", "--user", "owner");
  expect(list).toMatchObject({
    payments: [{ payer: "owner", state: "paid", amount_nano_usd: String(TEN) }],
  });
  const books = await readBooks(sqliteOf(again));
  expect(sums(books).granted).toBe(TEN);
  expect(books.audit).toMatchObject({ balanced: true, faults: [] });
}, 60_000);

test(`after ${KILLS} kills around the moment of the grant, every payment is granted once`, async () => {
  const data = site.freshFolder();
  let node = await start(data);
  let answered = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const event = await pay(node);
    const answers = Promise.all(Array.from({ length: 4 }, () => deliver(node, event)));
    // From before the first byte is read to after the last answer.
    await Bun.sleep(kill * 4);
    await node.kill();
    answered += (await answers).filter((status) => status === 200).length;
    node = await start(data);
    expect(await deliver(node, event)).toBe(200);
  }
  const books = await readBooks(sqliteOf(node));
  expect(sums(books).granted).toBe(TEN * BigInt(KILLS));
  expect(books.audit).toMatchObject({ balanced: true, faults: [] });
  console.log(`${KILLS} kills, ${answered} of ${KILLS * 4} first deliveries answered`);
}, 90_000);
