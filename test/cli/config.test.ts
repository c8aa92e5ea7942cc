// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such references are what is tested here
/** `turnpike config`, run as a program. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "turnpike-config-"));
const file = join(folder, "turnpike.yaml");
const cli = join(import.meta.dir, "../../src/cli/main.ts");

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("turnpike config shows what is in force, and none of its secrets", () => {
  writeFileSync(
    file,
    "port: 1001\nproviders:\n  together:\n    api_key: ${KEY}\n  mine:\n    type: openai-compatible\n    base_url: http://user:hunter2@10.0.0.5/v1?key=hunter3\n",
  );
  const secrets = {
    KEY: "sk-SECRET-together",
    GROQ_API_KEY: "gsk-SECRET-groq",
    STRIPE_SECRET_KEY: "sk_live_SECRET_stripe",
    STRIPE_WEBHOOK_SECRET: "whsec_SECRET_stripe",
    TURNPIKE_SECRET: "5ec4e7".repeat(11).slice(0, 64),
    TURNPIKE_OWNER_TOKEN: "owner-SECRET-token",
    DATABASE_URL: "postgres://joe:hunter1@db.test/turnpike?password=hunter4",
  };
  for (const format of [[], ["--json"]]) {
    const { exitCode, stdout, stderr } = Bun.spawnSync(
      [process.execPath, cli, "config", "--config", file, ...format],
      { env: secrets },
    );
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    const shown = stdout.toString();
    for (const secret of [...Object.values(secrets), "hunter", "SECRET"]) {
      expect(shown).not.toContain(secret);
    }
    for (const plain of ["1001", "db.test", "10.0.0.5", "********"]) expect(shown).toContain(plain);
  }
});

test("turnpike config with a mistake prints it alone and exits with 1", () => {
  writeFileSync(file, "prot: 1");
  const { exitCode, stdout, stderr } = Bun.spawnSync([
    process.execPath,
    cli,
    "config",
    "--config",
    file,
  ]);
  expect(exitCode).toBe(1);
  expect(stdout.toString()).toBe("");
  expect(stderr.toString()).toBe(`${file}:1: prot: unknown key; did you mean "port"?\n`);
});

test("turnpike config tells all figures of a plan", () => {
  writeFileSync(
    file,
    "plans:\n  pro: { extra_usage: pay_as_you_go, price: '19', spending_limit: '5' }",
  );
  const args = ["config", "--config", file, "--json"];
  const { stdout } = Bun.spawnSync([process.execPath, cli, ...args]);
  expect(JSON.parse(stdout.toString()).plans).toMatchObject({
    pro: { price: "19.00", spending_limit: "5.00", extra_usage: "pay_as_you_go" },
    team: { monthly_credit_per_seat: "2.00", price_per_seat: "20.00" },
  });
});
