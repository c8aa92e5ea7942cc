import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parse } from "yaml";
import { readConfig } from "../../sim/config.js";
import { providerById, providers } from "../../sim/providers/index.js";
import { startSim } from "../../sim/server.js";
import { chatOnce, KEY } from "./support.js";

const MAIN = join(import.meta.dir, "../../sim/main.ts");
const isProvider = (id: string) => id === "*" || providerById(id) !== undefined;

const spawn = (...args: string[]) =>
  Bun.spawn([process.execPath, MAIN, ...args], { stdout: "pipe", stderr: "pipe" });

describe("the program", () => {
  test("--print-config prints a configuration for every provider and exits", async () => {
    const child = spawn("--port", "9911", "--print-config");
    const config = parse(await new Response(child.stdout).text());
    expect(await child.exited).toBe(0);
    expect(config.allow_literal_keys).toBe(true);
    expect(Object.keys(config.providers).sort()).toEqual(providers.map((one) => one.id).sort());
    expect(config.providers.groq).toEqual({
      base_url: "http://127.0.0.1:9911/groq",
      api_key: "sim-key",
    });
    const served = new Set<string>();
    for (const model of config.models) {
      for (const mapping of model.providers) {
        served.add(mapping.provider);
        expect(mapping.status).toBe("live");
        const { hardware, ...price } = mapping.price;
        const amounts = Object.values(price);
        expect(amounts.length).toBeGreaterThan(0);
        for (const amount of amounts) expect(amount).toMatch(/^\d+(\.\d+)?$/);
      }
    }
    expect(served.size).toBe(providers.length);
  });

  test("serves until it is told to stop", async () => {
    const child = spawn("--port", "0");
    const reader = child.stdout.getReader();
    const line = new TextDecoder().decode((await reader.read()).value);
    const origin = /http:\/\/[\d.:]+/.exec(line)?.[0];
    const headers = { authorization: `Bearer ${KEY}` };
    expect((await fetch(`${origin}/openai/v1/models`, { headers })).status).toBe(200);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("a port that another simulator has is exit code 1 with a reason", async () => {
    const sim = startSim();
    const child = spawn("--port", new URL(sim.origin).port);
    expect(await new Response(child.stderr).text()).toMatch(/^Failed to start server.*in use/);
    expect(await child.exited).toBe(1);
    await sim.stop();
  });

  test("a wrong argument is exit code 2 with a reason", async () => {
    const child = spawn("--port", "many");
    expect(await new Response(child.stderr).text()).toContain("--port must be a port");
    expect(await child.exited).toBe(2);
  });
});

describe("the config file", () => {
  test("sets seed, dials and prices", async () => {
    const config = readConfig(
      `
seed: 5
dials: { "*": { output_tokens: 4 }, groq: { output_tokens: 5 } }
prices: { groq: { m: { input: "1", output: "2.5" }, "*": { input: "3", output: "3" } } }
`,
      isProvider,
    );
    expect(config.seed).toBe(5);
    const sim = startSim({ providerDials: config.dials, prices: config.prices });
    const answer = await chatOnce(sim, { model: "m" }, { provider: "groq" });
    expect(answer.usage.completion_tokens).toBe(5);
    const cost = answer.usage.prompt_tokens * 1000 + 5 * 2500;
    expect(sim.log()[0]?.costNanoUsd).toBe(String(cost));
    await chatOnce(sim, { model: "other" }, { provider: "groq" });
    expect(sim.log()[1]?.costNanoUsd).toBe(String((answer.usage.prompt_tokens + 5) * 3000));
    await sim.stop();
  });

  test("says what is wrong", () => {
    const wrong = [
      ["speed: 1", "unknown key speed"],
      ["dials: { nobody: {} }", "there is no provider nobody"],
      ["dials: { groq: { fail_rate: 3 } }", "dials.groq: fail_rate must be"],
      ["prices: { groq: { m: { input: 1, output: 2 } } }", "prices.groq.m.input must be USD"],
      ['prices: { groq: { m: { picture: "1" } } }', "there is no unit picture"],
      ["seed: x", "seed must be a whole number"],
    ] as const;
    for (const [text, why] of wrong) expect(() => readConfig(text, isProvider)).toThrow(why);
  });
});
