/** An organization of providers with its people, an operator, a stranger, and a server to be registered. */
import type { Clock } from "../../src/kernel/clock.js";
import type { Log } from "../../src/kernel/log.js";
import { call, chat, type TestUser, testApp } from "../support/app.js";
import { fakeProvider, plainAnswer, type Received, type Reply } from "../support/provider.js";

export type Answer = { readonly status: number; readonly body: ReturnType<typeof JSON.parse> };

export const KEY = "key-of-acme-0123456789";
export const ORGS = "/api/turnpike/orgs";
export const PROVIDER = `${ORGS}/acme/provider`;

/** Loopback stands for the internet. */
const REACHES_LOOPBACK = {
  allow_http: true,
  allow_private_addresses: ["127.0.0.1/32"],
};

export type WorldOptions = {
  readonly reply?: (received: Received) => Reply;
  readonly registration?: Readonly<Record<string, unknown>>;
  readonly yaml?: Readonly<Record<string, unknown>>;
  readonly log?: Log;
  readonly clock?: Clock;
};

/** `undo` takes what is to be called after the test. */
export async function registrationWorld(
  undo: (() => unknown)[],
  { reply = () => plainAnswer(), registration = {}, yaml = {}, log, clock }: WorldOptions = {},
) {
  const server = fakeProvider(reply);
  undo.push(server.stop);
  const settings = { registration: { ...REACHES_LOOPBACK, ...registration }, ...yaml };
  const text = JSON.stringify(settings);
  const app = await testApp({ yaml: text, ...(log && { log }), ...(clock && { clock }) });
  undo.push(app.stop);
  const owner = await app.addOwner();
  const [ada, bob, eve] = [
    await app.addUser("ada"),
    await app.addUser("bob"),
    await app.addUser("eve"),
  ];
  const json = async (
    method: string,
    path: string,
    user: TestUser,
    body?: unknown,
  ): Promise<Answer> => {
    const response = await app.answer(call(method, path, user.token, body));
    return { status: response.status, body: await response.json() };
  };
  await json("POST", ORGS, owner, { name: "acme", type: "provider", seats: 3, owner: "ada" });
  await json("POST", `${ORGS}/acme/members`, owner, { user: "bob" });
  await json("POST", ORGS, owner, { name: "buyers", owner: "eve" });
  const form = { id: "acme-ai", name: "Acme", base_url: `${server.origin}/v1`, key: KEY };
  /** The operator's price for the one model that the provider is known to have. */
  const map = async (): Promise<void> => {
    await app.site.mappings.put([
      {
        provider: "acme-ai",
        task: "conversational",
        subject: { kind: "model", model: "org/model" },
        providerModel: "acme-model",
        status: "live",
        facts: {},
        price: {
          price: { input: 1_000_000_000n, output: 2_000_000_000n } as never,
          isFree: false,
          source: "test",
          setBy: "test",
        },
      },
    ]);
    await app.site.reloadMappings("acme-ai");
  };
  const ask = (user: TestUser, on = app): Promise<Response> =>
    on.answer(
      chat(user.token, {
        model: "org/model:acme-ai",
        max_tokens: 50,
        messages: [{ role: "user", content: "hi" }],
      }),
    );
  return { app, yaml: text, server, owner, ada, bob, eve, json, form, map, ask };
}

export type World = Awaited<ReturnType<typeof registrationWorld>>;

/** As if the conformance checks had been run and passed. */
export async function pass({ app }: World, id = "acme-ai"): Promise<void> {
  const { registrations } = app.site;
  const one = await registrations.load(id);
  if (!one) throw new Error(`nobody registered ${id}`);
  const { changedAt } = one;
  await registrations.noteReport(id, { at: changedAt, changedAt, hasPassed: true, report: "{}" });
}
