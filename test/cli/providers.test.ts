/** Providers as an operator registers and tests them by command, against the simulator. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type Sim, startSim } from "../../sim/server.js";
import { systemClock } from "../../src/kernel/clock.js";
import { mappingStore } from "../../src/store/catalog/mappings.js";
import { openStore } from "../../src/store/open.js";
import { commandLine } from "./support.js";

const KEY = "key-of-acme-0123456789";
const cli = commandLine({ ACME_KEY: KEY, NSCALE_API_KEY: KEY });
let sim: Sim;
let model: string;
let base: string;

beforeAll(async () => {
  sim = startSim({});
  base = `${sim.url("nscale")}/v1`;
  const list = await fetch(`${base}/models`, { headers: { authorization: `Bearer ${KEY}` } });
  model = (await list.json()).data[0].id;
  const yaml = {
    providers: { nscale: { base_url: sim.url("nscale") } },
    registration: { allow_http: true, allow_private_addresses: ["127.0.0.1/32"] },
  };
  await Bun.write(join(cli.folder, "turnpike.yaml"), JSON.stringify(yaml));
});

afterAll(async () => {
  await sim.stop();
  cli.remove();
});

const register = (...more: readonly string[]) =>
  cli.run(
    ...["provider", "register", "acme-ai", "--org", "acme", "--name", "Acme"],
    ...["--base-url", base, "--key-variable", "ACME_KEY", "--request-id-header", "x-request-id"],
    ...["--billing-url", `${sim.url("nscale")}/_billing`, ...more],
  );

/** A model of the provider's, live, as its people would write it. */
async function mapped(id: string): Promise<void> {
  const database = await openStore(join(cli.folder, ".turnpike", "turnpike.sqlite"));
  await mappingStore(database, "test", systemClock).put([
    {
      ...{ provider: "acme-ai", task: "conversational", status: "live", facts: {} },
      ...{ subject: { kind: "model", model: id }, providerModel: model },
      price: { price: undefined, isFree: true, source: "nobody", setBy: "test" },
    },
  ]);
  await database.close();
}

test("a provider is registered, tested, promoted and withdrawn by command", async () => {
  await cli.json("org", "create", "buyers");
  const made = await cli.json("org", "create", "acme", "--type", "provider");
  expect(made.org.type).toBe("provider");
  const unset = await register("--key-variable", "NO_SUCH_KEY");
  expect([unset.code, unset.complaint]).toEqual([1, "--key-variable: NO_SUCH_KEY is not set\n"]);
  const wrong = await register("--org", "buyers");
  expect([wrong.code, wrong.complaint]).toEqual([1, expect.stringContaining("no organization of")]);
  const bad = await register("--dialect", "soap");
  expect([bad.code, bad.complaint]).toEqual([1, expect.stringContaining("dialect")]);
  const registered = await register();
  expect(registered.printed).toBe("Registered acme-ai for acme, in the sandbox.\n");

  const early = await cli.run("provider", "promote", "acme-ai");
  expect([early.code, early.complaint]).toEqual([1, expect.stringContaining("has not passed")]);
  const unnamed = await cli.run("provider", "test", "acme-ai");
  expect(unnamed.complaint).toContain("no model of acme-ai is mapped");

  const { report } = await cli.json("provider", "test", "acme-ai", "--model", model);
  expect([report.passed, report.checks.length]).toEqual([true, 13]);
  await mapped("acme/chat");
  const listed = async () =>
    (await cli.json("model", "list")).models.some(({ id }: { id: string }) => id === "acme/chat");
  const shown = async () => (await cli.json("model", "show", "acme/chat")).providers[0].why_not;
  const states = [];
  for (const step of ["promote", "promote", "withdraw", "promote"]) {
    const { state } = (await cli.json("provider", step, "acme-ai")).provider;
    states.push(state);
    const isLive = state === "live";
    expect([await listed(), await shown()]).toEqual([
      isLive,
      isLive ? undefined : `not live: ${state}`,
    ]);
  }
  expect(states).toEqual(["staging", "live", "withdrawn", "sandbox"]);

  const told = await cli.run("provider", "show", "acme-ai");
  expect(told.printed).toContain("acme-ai (Acme) of acme: sandbox, passed");
  const { providers } = await cli.json("provider", "list");
  expect(providers.find(({ id }: { id: string }) => id === "acme-ai")).toMatchObject({
    ...{ state: "sandbox", ready: true, base_url: base, tells_costs: true },
  });
  for (const each of [told.printed, JSON.stringify(report)]) expect(each).not.toContain(KEY);
}, 60_000);

test("a configured provider is tested the same way, and a failure is told with its hint", async () => {
  const good = await cli.run("provider", "test", "nscale", "--model", model);
  expect([good.code, good.printed]).toEqual([0, expect.stringContaining("nscale has passed.")]);
  expect(good.printed).toMatch(/chat_stream +passed/);

  sim.setDials("nscale", { missing_done: true, fail_rate: 0 });
  const failed = await cli.run("provider", "test", "nscale", "--model", model);
  sim.reset();
  expect(failed.code).toBe(1);
  expect(failed.printed).toMatch(/chat_stream +failed .*it does not end with "data: \[DONE\]"/);
  expect(failed.printed).toMatch(/hint +Honour "stream": true/);
  expect(failed.printed).toContain("nscale has failed 1 checks.");
  expect(failed.printed).not.toContain(KEY);

  const unknown = await cli.run("provider", "test", "nobody");
  expect([unknown.code, unknown.complaint]).toEqual([
    1,
    expect.stringContaining('There is no provider "nobody"'),
  ]);
}, 60_000);
