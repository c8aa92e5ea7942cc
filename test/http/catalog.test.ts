/** Models and prices that are written while the service runs. */
import { afterEach, expect, test } from "bun:test";
import type { NewMapping } from "../../src/catalog/stored.js";
import type { PricePerMillion } from "../../src/kernel/money.js";
import { AT_REST, call, chat, type TestApp, testApp, until } from "../support/app.js";
import {
  chunk,
  DONE,
  fakeProvider,
  plainAnswer,
  type Reply,
  streamed,
  usageChunk,
  yamlFor,
} from "../support/provider.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

const NEW = "org/new";
const MILLION_NANO_USD = 1_000_000_000n;

/** Dollars per million tokens. */
const offer = (dollars: bigint, facts: Partial<NewMapping> = {}): NewMapping => ({
  ...{ provider: "local", task: "conversational", subject: { kind: "model", model: NEW } },
  ...{ providerModel: "upstream-model", status: "live", facts: {} },
  price: {
    price: {
      input: (dollars * MILLION_NANO_USD) as PricePerMillion,
      output: (dollars * MILLION_NANO_USD) as PricePerMillion,
    },
    ...{ isFree: false, source: "a list", setBy: "test" },
  },
  ...facts,
});

async function world(reply: () => Reply = () => plainAnswer()) {
  const provider = fakeProvider(reply);
  cleanUps.push(provider.stop);
  const yaml = yamlFor({ local: provider.origin }, undefined, { validation: "none" });
  const app = await testApp({ yaml });
  cleanUps.push(app.stop);
  const ada = await app.addUser("ada", "pro");
  return { app, ada, yaml };
}

async function write(app: TestApp, ...mappings: NewMapping[]): Promise<void> {
  await app.site.mappings.put(mappings);
  await app.site.reloadMappings("local");
}

const ask = (more: object = {}) => ({
  model: NEW,
  messages: [{ role: "user", content: "hi" }],
  max_tokens: 100,
  ...more,
});

test("a request is billed at the price that held when it was admitted, however long it takes", async () => {
  let goOn = (): void => {};
  const changed = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const { app, ada } = await world(() =>
    streamed([chunk("Hello"), () => changed, chunk(" there", "stop"), usageChunk(10, 5), DONE]),
  );
  await write(app, offer(1n));
  const slow = await app.answer(chat(ada.token, ask({ stream: true })));
  const reader = slow.body?.getReader();
  await reader?.read();
  await write(app, offer(50n));
  goOn();
  while (!(await reader?.read())?.done);
  const next = await app.answer(chat(ada.token, ask({ stream: true })));
  await next.text();
  await app.drain();

  const receiptOf = async (response: Response) => {
    const id = response.headers.get("inference-id");
    const path = `/api/turnpike/me/requests/${id}`;
    return (await (await app.answer(call("GET", path, ada.token))).json()).receipt;
  };
  const [before, after] = [await receiptOf(slow), await receiptOf(next)];
  // 15 tokens at $1 and at $50 per million.
  expect([before.cost_nano_usd, after.cost_nano_usd]).toEqual(["15000", "750000"]);
  expect(before.price).toEqual({ input: "1.00", output: "1.00" });
  expect(after.price).toEqual({ input: "50.00", output: "50.00" });
  expect(await app.state(ada)).toEqual(AT_REST);
});

test("what one process writes all have within a second", async () => {
  const { app, ada, yaml } = await world();
  const other = await testApp({ yaml, data: app.data });
  cleanUps.push(other.stop);
  expect((await other.answer(chat(ada.token, ask()))).status).toBe(404);
  await app.site.mappings.put([offer(1n)]);
  await until(() => other.site.gateway.catalog.model(NEW) !== undefined);
  expect((await other.answer(chat(ada.token, ask()))).status).toBe(200);
  await app.site.mappings.putRenames([{ from: "org/old", to: NEW }], "test");
  await until(() => other.site.gateway.catalog.model("org/old") !== undefined);
  expect((await other.answer(chat(ada.token, ask({ model: "org/old" })))).status).toBe(200);
});

test("a service that starts has what the store has, under what the file says", async () => {
  const { app, yaml } = await world();
  await app.site.mappings.put([
    offer(9n),
    offer(9n, { subject: { kind: "model", model: "org/model" } }),
  ]);
  const other = await testApp({ yaml, data: app.data });
  cleanUps.push(other.stop);
  const { catalog } = other.site.gateway;
  const inputOf = (id: string) => catalog.model(id)?.mappings[0]?.price?.input;
  expect(inputOf(NEW)).toBe((9n * MILLION_NANO_USD) as never);
  expect(inputOf("org/model")).toBe(MILLION_NANO_USD as never);
});

test("what is in staging is called by the people of its provider, and by nobody else", async () => {
  const { app, ada } = await world();
  await write(app, offer(1n, { status: "staging" }));
  const owner = await app.addOwner();
  expect((await app.answer(chat(owner.token, ask()))).status).toBe(200);
  const refused = await app.answer(chat(ada.token, ask()));
  expect(refused.status).toBe(404);
  expect((await refused.json()).error.code).toBe("model_not_found");
  const org = { name: "acme", owner: "ada", plan: "team" };
  await app.answer(call("POST", "/api/turnpike/orgs", owner.token, org));
  const { directory } = app.site.gateway;
  directory.providerOwners.set("local", directory.organizations.org("acme")?.id ?? "");
  expect((await app.answer(chat(ada.token, ask()))).status).toBe(200);
  await write(app, offer(1n, { status: "error" }));
  expect((await app.answer(chat(owner.token, ask()))).status).toBe(404);
});
