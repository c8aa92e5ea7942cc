/** Turnpike on a port of its own, with every simulated provider behind it, for clients that know only an address. */
import { providers as all } from "../../sim/providers/index.js";
import { readyConfig } from "../../sim/ready-config.js";
import { type Sim, startSim } from "../../sim/server.js";
import { makeState } from "../../sim/state.js";
import { listen, type Server } from "../../src/http/server/server.js";
import type { RequestRow } from "../../src/store/books/usage.js";
import { type TestApp, type TestUser, testApp } from "../support/app.js";

/** Those with chat. */
export const providers = all.filter(({ models }) => models.length > 0);

/** A plan that brings no credit at all. */
const PLANS = '\nplans:\n  broke: { monthly_credit: "0" }\n  rich: { monthly_credit: "100" }\n';

export type Front = {
  readonly sim: Sim;
  readonly app: TestApp;
  readonly server: Server;
  /** What OpenAI's clients call the base URL. */
  readonly baseUrl: string;
  /** Has all the credit the tests need. */
  readonly ada: TestUser;
  /** Has none. */
  readonly bob: TestUser;
  readonly stop: () => Promise<void>;
};

/** `turnpike.yaml` is the one that `turnpike sim --print-config` makes, so prices are the simulator's own. */
export async function startFront(): Promise<Front> {
  const sim = startSim();
  const state = makeState({ seed: 1, dials: {}, prices: {} });
  const app = await testApp({ yaml: readyConfig(all, sim.origin, state) + PLANS });
  const server = listen(app.site, { host: "127.0.0.1", port: 0, sharesPort: false });
  return {
    sim,
    app,
    server,
    baseUrl: `${server.origin}/v1`,
    ada: await app.addUser("ada", "rich"),
    bob: await app.addUser("bob", "broke"),
    stop: async () => {
      await server.stop();
      await app.stop();
      await sim.stop();
    },
  };
}

/** A provider's first model, or its first with what a request needs, as a caller names it. */
export function pinned(provider: string, needs?: "tools" | "structured"): string {
  const models = providers.find(({ id }) => id === provider)?.models;
  const model = models?.find((each) => needs === undefined || each[needs]);
  if (!model) throw new Error(`the simulator has no model of ${provider}`);
  return `${model.hub}:${provider}`;
}

/** The provider's own record of one of our requests, by the id that we gave both sides. */
export async function delivered({ sim }: Front, inferenceId: string) {
  const entry = () => sim.log().find((one) => one.clientRequestId === inferenceId);
  await until(() => entry() !== undefined);
  const found = entry();
  if (!found) throw new Error("unreachable");
  return found;
}

/** What our books say of a request. */
export async function booked(
  { app, ada }: Front,
  inferenceId: string,
  user: TestUser = ada,
): Promise<RequestRow | undefined> {
  await app.drain();
  const rows = await app.site.usage.newestRequests(user.user.id, 100);
  return rows.find(({ id }) => id === inferenceId);
}

/** Waits for what happens a moment later, without sleeping longer than needed. */
export async function until(holds: () => boolean, withinMs = 2_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error("it did not happen in time");
    await Bun.sleep(2);
  }
}

export const WEATHER = {
  type: "function" as const,
  function: {
    name: "get_weather",
    description: "The weather in a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, unit: { enum: ["celsius", "fahrenheit"] } },
      required: ["city", "unit"],
    },
  },
};

export const PERSON = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer", minimum: 0, maximum: 150 } },
  required: ["name", "age"],
  additionalProperties: false,
};

export const user = (content: string) => [{ role: "user" as const, content }];

/** The facts in a stream's last comment. */
export function closingFacts(stream: string): Readonly<Record<string, unknown>> {
  const text = /^: turnpike (.*)$/m.exec(stream)?.[1];
  if (text === undefined) throw new Error("the stream ends without the closing comment");
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}
