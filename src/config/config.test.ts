// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such references are what is tested here
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nanoUsd } from "../kernel/money.js";
import { type Flags, loadConfig } from "./config.js";
import { readConfigText } from "./read-file.js";

const folder = mkdtempSync(join(tmpdir(), "turnpike-config-"));
const file = join(folder, "turnpike.yaml");

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The configuration that a file of this text makes, with these flags and variables around it. */
function load(text: string, env: Readonly<Record<string, string>> = {}, flags: Flags = {}) {
  writeFileSync(file, text);
  return loadConfig({ config: file, ...flags }, env);
}

/** What the start is stopped with. */
function complaint(text: string, env: Readonly<Record<string, string>> = {}): string {
  try {
    load(text, env);
  } catch (thrown) {
    return String((thrown as Error).message).replaceAll(`${file}:`, "FILE:");
  }
  return "none";
}

const model = (mapping: string): string => `models:
  - id: org/model
    task: conversational
    providers:
      - provider: together
        provider_model: m
${mapping}`;

test("every mistake is told with its line and what was expected", () => {
  const table: readonly [string, string][] = [
    ["prot: 7071", 'FILE:1: prot: unknown key; did you mean "port"?'],
    ["\n\nquux: 1", "FILE:3: quux: unknown key"],
    ["hardware: { a: 5 }", "FILE:1: hardware.a: expected dollars as decimal text with at most"],
    ["port: seventy", "FILE:1: port: must be a number"],
    ["port: 70000", "FILE:1: port: "],
    ["# hi\nport: -1", "FILE:2: port: "],
    ["workers: 1.5", "FILE:1: workers: "],
    ["workers: 0", "FILE:1: workers: "],
    ["durability: loose", "FILE:1: durability: must be one of relaxed, strict"],
    ["database_url: mysql://x", "FILE:1: database_url: expected postgres://"],
    ["host: ''", "FILE:1: host: "],
    ["limits:\n  body_bytes: 5", "FILE:2: limits.body_bytes: unknown key"],
    ["limits:\n  total_ms: 0", "FILE:2: limits.total_ms: "],
    ["limits:\n  connect_ms: 1\n  total_ms: 1s", "FILE:3: limits.total_ms: "],
    ["retention:\n  request_days: 0", "FILE:2: retention.request_days: "],
    ["retention:\n  request_days: 90d", "FILE:2: retention.request_days: "],
    ["retention:\n  requests: 9", "FILE:2: retention.requests: unknown key"],
    ["retention:\n  usage_days: never", 'FILE:2: retention.usage_days: expected days or "forever"'],
    [
      "retention:\n  hourly_usage_days: 90\n  usage_days: 30",
      "FILE:3: retention.usage_days: is less than hourly_usage_days, which is 90",
    ],
    ["plans:\n  free:\n    monthly_credit: 0.10", "FILE:3: plans.free.monthly_credit: "],
    ["plans:\n  free:\n    monthly_credit: '-1'", "expected dollars as decimal text"],
    ["plans:\n  free:\n    extra_usage: always", "FILE:3: plans.free.extra_usage: "],
    ["plans:\n  Free: {}", "FILE:2: plans.Free: "],
    ["providers:\n  together:\n    apikey: x", 'did you mean "api_key"?'],
    [
      "providers:\n  together:\n    base_url: ftp://x",
      "FILE:3: providers.together.base_url: expected an http or https URL",
    ],
    ["providers:\n  together:\n    base_url: not a url", "expected an http or https URL"],
    ["providers:\n  v1:\n    type: openai-compatible", "FILE:2: providers.v1: this name is taken"],
    ["providers:\n  My_Server:\n    type: openai-compatible", "FILE:2: providers.My_Server: "],
    ["providers:\n  mine:\n    base_url: http://x", "providers.mine: no built-in provider"],
    ["providers:\n  mine:\n    type: openai-compatible", "providers.mine: "],
    [model("        price: { input: 0.18 }"), "FILE:7: models.0.providers.0.price.input: "],
    [model("        price: { input: '0.18 USD' }"), 'not "0.18 USD"'],
    [model("        price: { inputs: '1' }"), 'did you mean "input"?'],
    [
      model("        price: { hardware: gpu-a100 }"),
      'FILE:7: models.0.providers.0.price.hardware: "gpu-a100" has no price: name it under "hardware:"',
    ],
    [model("        price: { hardware: constructor }"), '"constructor" has no price'],
    ["hardware: { gpu-a100: 0.1 }", "FILE:1: hardware.gpu-a100: "],
    ["hardware: { gpu-a100: '-1' }", 'not "-1"'],
    ["hardware: { gpu-a100: '1e3' }", 'not "1e3"'],
    ["hardware: { gpu-a100: '0.0000000001' }", "at most 9 decimals"],
    [
      "providers:\n  novita:\n    reported_cost: yes please",
      "FILE:3: providers.novita.reported_cost: ",
    ],
    [
      "providers:\n  novita:\n    billing:\n      url: ftp://x",
      "FILE:4: providers.novita.billing.url: expected an http or https URL",
    ],
    ["providers:\n  novita:\n    billing: {}", "providers.novita.billing.url: "],
    [
      "providers:\n  novita:\n    billing: { url: 'http://x', request_id_header: 'a b' }",
      "providers.novita.billing.request_id_header: expected the name of a header",
    ],
    [
      "providers:\n  novita:\n    billing: { url: 'http://x', delay_seconds: 99999 }",
      "providers.novita.billing.delay_seconds: ",
    ],
    ["providers:\n  novita:\n    bilings: {}", 'did you mean "billing"?'],
    [model("        status: alive"), "FILE:7: models.0.providers.0.status: "],
    [model("        context_length: 128k"), "FILE:7: models.0.providers.0.context_length: "],
    ["models:\n  - id: a b\n    task: conversational\n    providers: []", "FILE:2: models.0.id: "],
    ["models:\n  - id: a:b", "FILE:2: models.0.id: expected a model id"],
    ["models: together", "FILE:1: models: "],
    [
      "models:\n  - id: a/b\n    task: conversational\n    providers:\n      - { provider: tgther, provider_model: x }",
      'FILE:5: models.0.providers.0.provider: no provider "tgther" is built in or under "providers:"; did you mean "together"?',
    ],
    ["payments:\n  min_amount: 5", "FILE:2: payments.min_amount: "],
    ["payments:\n  min_amount: '0.49'", 'from "0.50" to "999999.99", not "0.49"'],
    ["payments:\n  max_amount: '1000000'", "FILE:2: payments.max_amount: expected dollars"],
    ["payments:\n  max_amount: '5.001'", "FILE:2: payments.max_amount: expected dollars"],
    ["payments:\n  max_amount: '4.99'", "FILE:2: payments.max_amount: min_amount is above"],
    ["payments:\n  min_amount: '1001'", "FILE:2: payments.min_amount: min_amount is above"],
    ["payments:\n  stripe:\n    key: x", "FILE:3: payments.stripe.key: unknown key"],
    ["payments:\n  stripe:\n    secretkey: x", 'did you mean "secret_key"?'],
    ["payments:\n  stripe:\n    success_url: /thanks", "FILE:3: payments.stripe.success_url: "],
    ["payments:\n  stripe:\n    base_url: http://x/v1", "expected a URL without a path"],
    ["payments: stripe", "FILE:1: payments: "],
    ["registration:\n  approval: nobody", "FILE:2: registration.approval: "],
    ["registration:\n  allow_private_addresses: [10.0.0.0]", 'a network like "10.0.0.0/8"'],
    ["registration:\n  allow_private_addresses: [10.0.0.0/33]", 'not "10.0.0.0/33"'],
    ["registration:\n  allow_private_addresses: ['fd00::/129']", 'not "fd00::/129"'],
    ["registration:\n  allow_htttp: true", 'did you mean "allow_http"?'],
    ["validation: everything", "FILE:1: validation.mappings: "],
    ["validation:\n  every_minutes: 0", "FILE:2: validation.every_minutes: "],
    ["validation:\n  monthly_limit: 1", "FILE:2: validation.monthly_limit: "],
    ["port: 1\nport: 2", "FILE:2: Map keys must be unique"],
    ["port: [1", "FILE:"],
    ["\tport: 1", "FILE:1: "],
    ["- port", "FILE:1: the file: "],
    ["just text", "FILE:1: the file: "],
  ];
  for (const [text, expected] of table) {
    expect({ text, complaint: complaint(text) }).toEqual({
      text,
      complaint: expect.stringContaining(expected),
    });
  }
});

test("all mistakes are told at once", () => {
  const lines = complaint("prot: 1\nworkers: 0\nlimits:\n  total_ms: x").split("\n");
  expect(lines.length).toBe(3);
  expect(lines.map((line) => line.split(":", 2)[1]).sort()).toEqual(["1", "2", "4"]);
});

test("an empty file and no file mean the defaults", () => {
  for (const text of ["", "# nothing\n", "---\n", "{}"]) {
    expect(load(text)).toMatchObject({
      host: "127.0.0.1",
      port: 7070,
      workers: 1,
      durability: "relaxed",
      databaseUrl: undefined,
    });
  }
  expect(load("").plans.get("free")?.monthlyCredit).toBe(nanoUsd(100_000_000n));
  expect(() => loadConfig({ config: join(folder, "missing.yaml") }, {})).toThrow("does not exist");
});

test("a key in the file is a reference to the environment, and nothing else unless allowed", () => {
  const provider = (key: string) => `providers:\n  together:\n    api_key: ${key}`;
  const keyOf = (text: string, env = {}) => load(text, env).providers.get("together")?.key;
  for (const literal of ["sk-SECRET", "$KEY", "${KEY}x", "x${KEY}", "'${}'", "'${A B}'"]) {
    const told = complaint(provider(literal), { KEY: "value" });
    expect(told).toContain("FILE:3: providers.together.api_key: ");
    expect(told).toContain("environment reference like ${TOGETHER_API_KEY}");
    expect(told).not.toContain("SECRET");
  }
  expect(keyOf(provider("${KEY}"), { KEY: "value" })).toBe("value");
  expect(keyOf(`allow_literal_keys: true\n${provider("sk-SECRET")}`)).toBe("sk-SECRET");
  expect(keyOf(`allow_literal_keys: true\n${provider("${KEY}")}`, { KEY: "value" })).toBe("value");
});

test("Stripe's keys are references too, or come from the environment alone", () => {
  const written = (name: string, value: string) => `payments:\n  stripe:\n    ${name}: ${value}`;
  const stripeOf = (text: string, env = {}) => load(text, env).payments.stripe;
  for (const [name, variable] of [
    ["secret_key", "STRIPE_SECRET_KEY"],
    ["webhook_secret", "STRIPE_WEBHOOK_SECRET"],
  ] as const) {
    const told = complaint(written(name, "sk_live_LITERAL"));
    expect(told).toContain(`FILE:3: payments.stripe.${name}: `);
    expect(told).toContain(`environment reference like \${${variable}}`);
    expect(told).not.toContain("LITERAL");
  }
  const env = { STRIPE_SECRET_KEY: "sk", STRIPE_WEBHOOK_SECRET: "wh", OTHER: "other" };
  expect(stripeOf("", env)).toEqual({
    baseUrl: "https://api.stripe.com",
    secretKey: "sk",
    webhookSecret: "wh",
    successUrl: undefined,
    cancelUrl: undefined,
  });
  expect(stripeOf(written("secret_key", "${OTHER}"), env).secretKey).toBe("other");
  const unset = load(written("webhook_secret", "${NOT_SET}"));
  expect(unset.payments.stripe.webhookSecret).toBeUndefined();
  expect(unset.warnings.join()).toContain("NOT_SET is not set; nobody can buy credit");
  expect(load("").payments).toMatchObject({
    minAmount: nanoUsd(5_000_000_000n),
    maxAmount: nanoUsd(1_000_000_000_000n),
  });
});

test("a reference to a variable that is not set leaves the provider without a key, with a warning", () => {
  const config = load("providers:\n  together:\n    api_key: ${NOT_SET}");
  expect(config.providers.get("together")?.key).toBeUndefined();
  expect(config.warnings.join()).toContain("NOT_SET is not set");
});

test("a provider's key in the environment needs no file", () => {
  const { providers } = load("", { GROQ_API_KEY: "g", HF_TOKEN: "h", TOGETHER_API_KEY: "" });
  expect(providers.get("groq")?.key).toBe("g");
  expect(providers.get("hf-inference")?.key).toBe("h");
  expect(providers.get("together")?.key).toBeUndefined();
});

test("flags beat the environment, which beats the file, which beats the defaults", () => {
  const text = "port: 1001\nhost: file.test\nworkers: 3\ndata: /data/of-file";
  const env = { TURNPIKE_PORT: "1002", TURNPIKE_HOST: "env.test", TURNPIKE_DATA: "/data/of-env" };
  const flags = { port: 1003, host: "flag.test", data: "/data/of-flag" };
  const placeOf = (config: ReturnType<typeof load>) => [
    config.port,
    config.host,
    config.dataFolder,
    config.workers,
  ];
  expect(placeOf(load(text))).toEqual([1001, "file.test", "/data/of-file", 3]);
  expect(placeOf(load(text, env))).toEqual([1002, "env.test", "/data/of-env", 3]);
  expect(placeOf(load(text, env, flags))).toEqual([1003, "flag.test", "/data/of-flag", 3]);
  expect(load(text, { TURNPIKE_WORKERS: "5" }).workers).toBe(5);
  expect(load(text, { TURNPIKE_WORKERS: "5" }, { workers: 2 }).workers).toBe(2);
  expect(load("database_url: postgres://a", { DATABASE_URL: "postgres://b" }).databaseUrl).toBe(
    "postgres://b",
  );
});

test("an empty variable is as good as none", () => {
  const names = "HOST PORT DATA WORKERS SECRET OWNER_TOKEN".split(" ");
  const env = Object.fromEntries(names.map((name) => [`TURNPIKE_${name}`, ""]));
  const text = "port: 1001\nhost: file.test\nworkers: 3\ndata: /data/of-file";
  expect(load(text, { ...env, DATABASE_URL: "" })).toMatchObject({
    port: 1001,
    host: "file.test",
    dataFolder: "/data/of-file",
    workers: 3,
    secret: undefined,
    ownerToken: undefined,
    databaseUrl: undefined,
  });
});

test("a bad variable stops the start by its name, and is not repeated where it may be a secret", () => {
  for (const [name, value] of [
    ["TURNPIKE_PORT", "70x"],
    ["TURNPIKE_PORT", "65536"],
    ["TURNPIKE_PORT", "-1"],
    ["TURNPIKE_WORKERS", "many"],
    ["TURNPIKE_WORKERS", "0"],
    ["TURNPIKE_WORKERS", "65"],
    ["DATABASE_URL", "mysql://SECRET@x"],
    ["TURNPIKE_OWNER_TOKEN", "SECRET"],
    ["TURNPIKE_OWNER_TOKEN", "SECRET with spaces in it"],
    ["TURNPIKE_SECRET", "SECRET"],
    ["TURNPIKE_SECRET", "SECRET".padEnd(64, "0")],
  ] as const) {
    const told = complaint("", { [name]: value });
    expect({ name, value, told }).toEqual({
      name,
      value,
      told: expect.stringContaining(`${name}: `),
    });
    expect(told).not.toContain("SECRET@");
    expect(told.replaceAll(name, "")).not.toContain("SECRET");
  }
});

test("a file's own server replaces a provider's origin, and loses its closing slashes", () => {
  const config = load(
    "providers:\n  together:\n    base_url: http://127.0.0.1:9001//\n  mine:\n    type: openai-compatible\n    base_url: http://10.0.0.5:8000/v1/\n  groq:\n    enabled: false",
  );
  expect(config.providers.get("together")?.baseUrl).toBe("http://127.0.0.1:9001");
  expect(config.providers.get("mine")).toMatchObject({ baseUrl: "http://10.0.0.5:8000/v1" });
  expect(config.providers.has("groq")).toBe(false);
});

test("prices are read as decimal text to the last digit", () => {
  const price = (text: string) =>
    readConfigText(model(`        price: { input: "${text}" }`), file).models[0]?.providers[0]
      ?.price?.input;
  expect(String(price("0.18"))).toBe("180000000");
  expect(String(price("0.000000001"))).toBe("1");
  for (const bad of ["0.0000000001", "-1", "1e3", "", ".5", "1,5", "$1", " 1", "NaN"]) {
    expect(() => price(bad)).toThrow("decimal text");
  }
});

test("a price per second may name its hardware, and its own figure goes before the table's", () => {
  const models = (price: string) => `hardware: { gpu-a100: "0.000975" }
models:
  - id: org/model
    task: conversational
    providers:
      - { provider: together, provider_model: m, price: ${price} }`;
  const offer = (price: string) => load(models(price)).models.file?.[0]?.mappings[0];
  const table: readonly [string, bigint][] = [
    ["{ hardware: gpu-a100 }", 975_000n],
    ['{ hardware: gpu-a100, compute_second: "0.002" }', 2_000_000n],
    ['{ hardware: gpu-h100, compute_second: "0.002" }', 2_000_000n],
  ];
  for (const [price, nanoUsdPerSecond] of table) {
    expect(offer(price)?.price).toEqual({ compute_second: nanoUsdPerSecond * 1_000_000n } as never);
    expect(offer(price)?.hardware).toMatch(/^gpu-/);
  }
});

test("an offer that nobody can be charged for is told at the start", () => {
  const models = (offer: string) => `models:
  - id: org/model
    task: conversational
    providers:
      - { provider: together, provider_model: m, ${offer} }`;
  const warned = (offer: string) => load(models(offer)).warnings.join();
  expect(warned("status: live")).toContain("org/model by together has no price; it is for callers");
  expect(warned('price: { input: "1" }')).toContain("has half a price: input");
  expect(warned('price: { image: "1" }')).toContain("is priced per image, which conversational");
  expect(warned('price: { input: "0", output: "0" }')).toContain(
    "a price of nothing, and no is_free",
  );
  expect(warned('price: { input: "1", output: "1" }')).toBe("");
  expect(warned("is_free: true")).toBe("");
});

test("where a provider tells costs later is configured with the header of its ids", () => {
  const billing = (id: string, text: string) =>
    load(`providers:\n  ${id}:\n    billing: ${text}`).providers.get(id)?.billing;
  const url = "https://novita.example/billing?v=1";
  expect(billing("novita", `{ url: "${url}" }`)).toEqual({
    url,
    requestIdHeader: "inference-id",
    delayMs: 0,
  });
  expect(billing("hf-inference", `{ url: "${url}" }`)?.requestIdHeader).toBe("x-inference-id");
  expect(
    billing("groq", `{ url: "${url}", request_id_header: X-Groq-Id, delay_seconds: 30 }`),
  ).toEqual({
    url,
    requestIdHeader: "x-groq-id",
    delayMs: 30_000,
  });
  expect(load("").providers.get("novita")?.billing).toBeUndefined();
});

test("a yaml bomb is refused", () => {
  const level = (i: number) =>
    `a${i}: &a${i} [${Array(9)
      .fill(`*a${i - 1}`)
      .join(",")}]`;
  const bomb = ["a0: &a0 [x]", ...Array.from({ length: 12 }, (_, i) => level(i + 1))].join("\n");
  expect(complaint(bomb)).toContain("FILE");
});

test("what is kept how long is said in days, or left to the defaults", () => {
  expect(load("").retention).toEqual({
    requestDays: 90,
    hourlyUsageDays: 60,
    usageDays: undefined,
  });
  const text = "retention: { request_days: 7, hourly_usage_days: 8, usage_days: 400 }";
  expect(load(text).retention).toEqual({ requestDays: 7, hourlyUsageDays: 8, usageDays: 400 });
});

test("validation is set by one word or by all of its figures", () => {
  const HOUR = 3_600_000;
  const preset = { everyMs: 6 * HOUR, failingEveryMs: HOUR, monthlyLimit: nanoUsd(1_000_000_000n) };
  expect(load("").validation).toEqual({ mappings: "registered", ...preset });
  expect(load("validation: all").validation).toEqual({ mappings: "all", ...preset });
  expect(load("validation: none").validation).toEqual({ mappings: "none", ...preset });
  const written = "validation: { mappings: all, every_minutes: 30, monthly_limit: '0.05' }";
  expect(load(written).validation).toEqual({
    mappings: "all",
    everyMs: 30 * 60_000,
    failingEveryMs: HOUR,
    monthlyLimit: nanoUsd(50_000_000n),
  });
});
