/** Each provider's own list of models, as the simulator prints it and as its entry reads it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { providers as simulated } from "../../sim/providers/index.js";
import { type Sim, startSim } from "../../sim/server.js";
import { builtInProviders } from "../../src/config/providers.js";
import { parsePricePerMillion } from "../../src/kernel/money.js";
import { modelList } from "../../src/providers/families/model-list.js";
import { MalformedReply } from "../../src/providers/reply.js";

let sim: Sim;
beforeAll(() => {
  sim = startSim();
});
afterAll(() => sim.stop());

/** Those with chat have a list, hf-inference apart: it has no prices by the token, and tells of one model at a time. */
const withChat = simulated.filter(({ id, models }) => models.length > 0 && id !== "hf-inference");

test.each(withChat.map(({ id }) => id))(
  "%s: its list has its models, limits and prices",
  async (id) => {
    const listing = builtInProviders.find((provider) => provider.id === id)?.listing;
    if (!listing) throw new Error(`${id} has no listing`);
    const response = await fetch(`${sim.url(id)}${listing.path}`, {
      headers: { authorization: "Bearer sim-key" },
    });
    expect(response.status).toBe(200);
    const listed = listing.read(await response.json());
    const models = simulated.find((one) => one.id === id)?.models ?? [];
    expect(listed.length).toBe(models.length);
    for (const model of models) {
      const found = listed.find((one) => one.id === model.id);
      expect(found).toMatchObject({ contextLength: model.context });
      const { input, output } = model.price;
      const price = { input: parsePricePerMillion(input), output: parsePricePerMillion(output) };
      // Euros are no dollars.
      if (id === "scaleway") expect(found).not.toHaveProperty("price");
      else expect(found?.price).toMatchObject(price as never);
    }
  },
);

test("what a list does not say, or says in a way nobody can mean, is not there", () => {
  const { read } = modelList("/v1/models");
  const of = (entry: object) => read({ data: [{ id: "m", ...entry }] })[0];
  expect(of({})).toEqual({ id: "m" });
  for (const pricing of [
    { input: 0, output: 0 },
    { input: 1 },
    { input: -1, output: 1 },
    { input: "free", output: 1 },
    { input: 1e30, output: 1 },
    null,
  ]) {
    expect(of({ pricing })).toEqual({ id: "m" });
  }
  expect(of({ pricing: { input: "0.1", output: 1e-10 } })?.price).toEqual({
    input: 100_000_000n as never,
    output: 1n as never,
  });
  expect(of({ context_length: 1.5 })).toEqual({ id: "m" });
  expect(read({ data: [{ id: "m", active: false }] })).toEqual([]);
});

test("what is no list of models is refused", () => {
  const { read } = modelList("/v1/models");
  for (const json of [null, "x", {}, { data: {} }, { data: [{}] }, [{ id: 1 }]]) {
    expect(() => read(json)).toThrow(MalformedReply);
  }
});
