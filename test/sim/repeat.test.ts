import { expect, test } from "bun:test";
import { startSim } from "../../sim/server.js";
import { ask, chatOnce, providers } from "./support.js";

/** Everything a run sends: status, provider's headers and body of a fixed list of requests. */
async function run(seed: number): Promise<string[]> {
  const sim = startSim({ seed });
  const seen: string[] = [];
  for (const provider of providers) {
    for (const stream of [false, true]) {
      const body = { stream, n: provider.id === "groq" ? 1 : 2, model: "acme/reasoner" };
      const dials = { fail_rate: 0.2, cache: true, unicode: true };
      const response = await ask(sim, body, { provider: provider.id, dials });
      response.headers.delete("date");
      seen.push(
        `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`,
      );
    }
  }
  await sim.stop();
  return seen;
}

test("the same seed and requests give the same bytes, another seed gives others", async () => {
  const first = await run(7);
  expect(await run(7)).toEqual(first);
  expect(await run(8)).not.toEqual(first);
});

test("the words depend on the question, not on what was asked before", async () => {
  const sim = startSim();
  const other = startSim();
  await chatOnce(other, { messages: [{ role: "user", content: "something before" }] });
  const one = await chatOnce(sim, {});
  const two = await chatOnce(other, {});
  expect(two.choices).toEqual(one.choices);
  expect(two.id).not.toBe(one.id);
  await sim.stop();
  await other.stop();
});

test("reset starts over", async () => {
  const sim = startSim();
  const first = await (await ask(sim, {})).text();
  sim.setDials("*", { fail_rate: 1 });
  sim.reset();
  expect(await (await ask(sim, {})).text()).toBe(first);
  expect(sim.log().length).toBe(1);
  await sim.stop();
});
