import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { chat, testApp } from "../support/app.js";
import { fakeProvider, plainAnswer, yamlFor } from "../support/provider.js";
import { commandLine } from "./support.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUps.splice(0).reverse()) await undo();
});

test("turnpike route tells by what servers measured, in a table and as JSON, and calls nobody", async () => {
  const { folder, run, json, remove } = commandLine();
  cleanUps.push(remove);
  const providers = ["a", "b"].map(() => fakeProvider(() => plainAnswer()));
  for (const { stop } of providers) cleanUps.push(stop);
  const [a, b] = providers;
  const yaml = yamlFor({ a: a?.origin ?? "", b: b?.origin ?? "" });
  const data = join(folder, ".turnpike");
  const app = await testApp({ yaml, data });
  const { token } = await app.addUser("ada");
  const ask = { model: "org/model:b", messages: [{ role: "user", content: "hi" }] };
  await (await app.answer(chat(token, ask))).text();
  await app.stop();
  await Bun.write(join(folder, "turnpike.yaml"), yaml);
  const asked = b?.received.length;

  const found = await json("route", "org/model");
  expect(found).toMatchObject({ model: "org/model", task: "conversational", policy: "fastest" });
  expect(found.candidates.map((each: { provider: string }) => each.provider)).toEqual(["b", "a"]);
  expect(found.candidates[0].evidence.throughput).toBeGreaterThan(0);
  expect(found.candidates[1]).toMatchObject({ is_explored: true, evidence: { throughput: null } });

  const soonest = await json("route", "org/model:a", "--policy", "soonest");
  expect(soonest.policy).toBe("soonest");
  const { printed } = await run("route", "org/model:a", "--explain");
  expect(printed).toContain("org/model, conversational, a");
  expect(printed).toContain("not the provider that was asked for");
  expect(printed).toContain("last seen");
  expect((await run("route", "org/model", "--policy", "best")).complaint).toContain("--policy");
  expect((await run("route", "org/none")).code).toBe(1);
  expect([a?.received.length, b?.received.length]).toEqual([0, asked]);
});
