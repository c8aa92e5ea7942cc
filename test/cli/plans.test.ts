import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine } from "./support.js";

const cli = commandLine();
afterAll(cli.remove);

test("a plan, a spending limit and an anchor day set by command show in the credit", async () => {
  const { user } = await cli.json("user", "add", "ada", "--plan", "free");
  expect(user).toMatchObject({ name: "ada", plan: "free" });
  const free = await cli.json("credit", "show", "--user", "ada");
  expect(free.buckets).toMatchObject([{ kind: "plan", granted_nano_usd: "100000000" }]);
  const moved = await cli.json("user", "plan", "ada", "pro", "--anchor-day", "31");
  expect(moved.user).toEqual({ id: user.id, name: "ada", plan: "pro" });
  const limited = await cli.json("user", "spending-limit", "ada", "25.50");
  expect(limited.user).toEqual({
    id: user.id,
    name: "ada",
    spending_limit_nano_usd: "25500000000",
  });
  await cli.json("credit", "grant", "--user", "ada", "--amount", "5.00", "--kind", "purchased");
  const pro = await cli.json("credit", "show", "--user", "ada");
  expect(pro).toMatchObject({
    spendable_nano_usd: "32500000000",
    held_nano_usd: "0",
    spent_this_period_nano_usd: "0",
    buckets: [
      { kind: "plan", granted_nano_usd: "2000000000", left_nano_usd: "2000000000" },
      { kind: "purchased", left_nano_usd: "5000000000", expires_at: null },
      { kind: "pay_as_you_go", left_nano_usd: "25500000000" },
    ],
  });
  const back = await cli.json("user", "spending-limit", "ada", "plan");
  expect(back.user.spending_limit_nano_usd).toBeNull();
  expect((await cli.json("credit", "show", "--user", "ada")).spendable_nano_usd).toBe("7000000000");
  expect(await cli.json("audit")).toMatchObject({ balanced: true });
}, 20_000);

test("what a plan does not bring is said where it is given", async () => {
  await cli.json("user", "add", "cora", "--plan", "free");
  const say = async (...args: string[]) => (await cli.run(...args)).printed;
  expect(await say("user", "spending-limit", "cora", "3")).toBe(
    "cora may spend $3.00 a period beyond credit once on a plan with pay-as-you-go. free has none.\n",
  );
  expect(await say("user", "plan", "cora", "pro")).toBe("cora is on pro now.\n");
  expect(await say("user", "spending-limit", "cora", "3")).toBe(
    "cora may spend $3.00 a period beyond credit.\n",
  );
  expect(await say("user", "plan", "cora", "team")).toContain("it brings cora none");
  expect(await say("user", "add", "dora", "--plan", "team")).toContain("it brings dora none");
  await cli.run("org", "create", "studio", "--plan", "free");
  expect(await say("org", "spending-limit", "studio", "3")).toContain("free has none");
}, 30_000);

test("bad input ends with 1 and a sentence that names it", async () => {
  await cli.run("user", "add", "bob");
  const grant = (amount: string, ...more: string[]) => [
    ...["credit", "grant", "--user", "bob", "--amount", amount],
    ...more,
  ];
  for (const [args, word] of [
    [grant("1e3"), "--amount"],
    [grant("0"), "--amount"],
    [grant("0.0000000001"), "--amount"],
    [grant("9223372036.854775808"), "--amount"],
    [grant("5", "--kind", "gift"), "--kind"],
    [grant("5", "--expires", "2020-01-01"), "--expires"],
    [grant("5", "--expires", "soon"), "--expires"],
    [grant("5", "--expires", "2100-02-30"), "--expires"],
    [["user", "spending-limit", "bob", "lots"], "lots"],
    [["user", "spending-limit", "nobody", "5"], "nobody"],
    [["user", "plan", "bob", "gold"], "gold"],
    [["user", "plan", "bob", "pro", "--anchor-day", "32"], "--anchor-day"],
  ] as const) {
    const { code, printed, complaint } = await cli.run(...args);
    expect({ args, code, printed }).toEqual({ args, code: 1, printed: "" });
    expect(complaint).toContain(word);
    expect(complaint.trim().split("\n")).toHaveLength(1);
  }
  // Commander takes it for an option, and says so.
  expect((await cli.run(...grant("-1"))).code).toBe(1);
}, 30_000);

test("a plan's limits in the file are checked before anything starts", async () => {
  const file = join(cli.folder, "turnpike.yaml");
  for (const [plan, word] of [
    ["{ spending_limit: '5' }", "plans.p.spending_limit: needs extra_usage: pay_as_you_go"],
    [
      "{ extra_usage: pay_as_you_go, spending_limit: '5', spending_limit_max: '4' }",
      "plans.p.spending_limit: is above spending_limit_max",
    ],
    ["{ monthly_credit: '1e3' }", 'not "1e3"'],
    ["{ monthly_credit: 5 }", 'expected dollars as decimal text like "5.00"'],
    ["{ monthly_credit: 5 }", "in quotes"],
    ["{ extra_usage: some }", "plans.p.extra_usage: must be one of none, prepaid, pay_as_you_go"],
    ["{ monthly_credit: '99999999999' }", "at most 1000000000"],
  ] as const) {
    writeFileSync(file, `plans:\n  p: ${plan}\n`);
    const { code, complaint } = await cli.run("config");
    expect({ code, complaint }).toEqual({ code: 1, complaint: expect.stringContaining(word) });
  }
}, 20_000);

test("rate limits set by command are shown, changed, and taken away", async () => {
  writeFileSync(join(cli.folder, "turnpike.yaml"), "");
  await cli.run("user", "add", "eve");
  const none = {
    requests_per_minute: null,
    tokens_per_minute: null,
    concurrent_requests: null,
  };
  const made = await cli.json(
    ...["token", "create", "--user", "eve", "--name", "batch"],
    ...["--requests-per-minute", "60", "--concurrent-requests", "2"],
  );
  expect(made).toMatchObject({ ...none, requests_per_minute: 60, concurrent_requests: 2 });
  const { tokens } = await cli.json("token", "list", "--user", "eve");
  expect(tokens).toMatchObject([none, { name: "batch", requests_per_minute: 60 }]);
  const set = await cli.json("user", "limit", "eve", "--tokens-per-minute", "5000");
  expect(set.user).toMatchObject({ ...none, tokens_per_minute: 5_000 });
  const taken = await cli.json("user", "limit", "eve", "--tokens-per-minute", "none");
  expect(taken.user).toMatchObject(none);
  await cli.run("org", "create", "lab", "--owner", "eve");
  const both = await cli.json("org", "limit", "lab", "5.00", "--requests-per-minute", "9");
  expect(both).toEqual({ ...none, limit_nano_usd: "5000000000", requests_per_minute: 9 });
  const member = ["org", "limit", "lab", "--member", "eve"];
  expect(await cli.json(...member, "--concurrent-requests", "3")).toEqual({
    ...none,
    concurrent_requests: 3,
  });
  for (const [args, word] of [
    [["user", "limit", "eve"], "--requests-per-minute"],
    [["user", "limit", "eve", "--requests-per-minute", "0"], "--requests-per-minute"],
    [["user", "limit", "eve", "--tokens-per-minute", "1.5"], "--tokens-per-minute"],
    [["user", "limit", "eve", "--concurrent-requests", "9999999999"], "--concurrent-requests"],
    [["org", "limit", "lab"], "--requests-per-minute"],
    [["org", "limit", "lab", "--group", "x", "--requests-per-minute", "1"], "--group"],
    [["token", "create", "--user", "eve", "--tokens-per-minute", "none"], "--tokens-per-minute"],
  ] as const) {
    const { code, complaint } = await cli.run(...args);
    expect({ args, code }).toEqual({ args, code: 1 });
    expect(complaint).toContain(word);
  }
}, 60_000);

test("a plan's rate limits in the file are shown, and checked before anything starts", async () => {
  const file = join(cli.folder, "turnpike.yaml");
  const write = (plan: object) => writeFileSync(file, JSON.stringify({ plans: { free: plan } }));
  write({ requests_per_minute: 60, tokens_per_minute: 1_000_000_000 });
  const { plans } = await cli.json("config");
  expect(plans.free).toMatchObject({ requests_per_minute: 60, tokens_per_minute: 1_000_000_000 });
  for (const [plan, word] of [
    [{ requests_per_minute: 0 }, "plans.free.requests_per_minute"],
    [{ tokens_per_minute: -5 }, "plans.free.tokens_per_minute"],
    [{ concurrent_requests: 1.5 }, "plans.free.concurrent_requests"],
    [{ concurrent_requests: "5" }, "plans.free.concurrent_requests"],
    [{ requests_per_minute: 1_000_000_001 }, "plans.free.requests_per_minute"],
    [{ request_per_minute: 5 }, 'did you mean "requests_per_minute"'],
  ] as const) {
    write(plan);
    const { code, complaint } = await cli.run("config");
    expect({ plan, code }).toEqual({ plan, code: 1 });
    expect(complaint).toContain("turnpike.yaml:1: ");
    expect(complaint).toContain(word);
  }
  writeFileSync(file, "");
}, 30_000);
