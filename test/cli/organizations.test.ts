import { afterAll, expect, test } from "bun:test";
import { commandLine } from "./support.js";

const cli = commandLine();
afterAll(cli.remove);

test("an organization is made, filled, and given credit and limits by command", async () => {
  for (const name of ["ada", "bob", "cyd"]) await cli.json("user", "add", name);
  const made = await cli.json("org", "create", "acme", "--plan", "team", "--seats", "3");
  expect(made.org).toEqual({
    id: expect.any(String),
    name: "acme",
    plan: "team",
    seats: 3,
    type: "customer",
  });
  for (const [user, role] of [
    ["ada", "owner"],
    ["bob", "admin"],
    ["cyd", "member"],
  ] as const) {
    const added = await cli.json("org", "add-member", "acme", user, "--role", role);
    expect(added.member).toEqual({ org: "acme", user, role });
  }
  expect((await cli.json("org", "seats", "acme", "5")).org.seats).toBe(5);
  await cli.json("credit", "grant", "--org", "acme", "--amount", "5.00", "--kind", "purchased");
  await cli.json("org", "spending-limit", "acme", "25");
  await cli.json("org", "limit", "acme", "100");
  await cli.json("org", "limit", "acme", "1.50", "--member", "cyd");
  expect(await cli.json("credit", "show", "--org", "acme")).toMatchObject({
    spendable_nano_usd: "40000000000",
    buckets: [
      { kind: "plan", granted_nano_usd: "10000000000" },
      { kind: "purchased", granted_nano_usd: "5000000000" },
      { kind: "pay_as_you_go", granted_nano_usd: "25000000000" },
    ],
  });
  expect(await cli.json("org", "show", "acme")).toEqual({
    org: { ...made.org, seats: 5, limit_nano_usd: "100000000000", access: "everyone" },
    members: [
      { user: "ada", role: "owner", limit_nano_usd: null },
      { user: "bob", role: "admin", limit_nano_usd: null },
      { user: "cyd", role: "member", limit_nano_usd: "1500000000" },
    ],
    groups: [],
  });
  await cli.json("org", "limit", "acme", "none", "--member", "cyd");
  await cli.json("org", "remove-member", "acme", "bob");
  expect((await cli.json("org", "plan", "acme", "enterprise")).org.plan).toBe("enterprise");
  expect((await cli.json("org", "list")).orgs).toEqual([
    { ...made.org, plan: "enterprise", seats: 5, members: 2 },
  ]);
  expect((await cli.run("org", "show", "acme")).printed).toContain("seats taken: 2 of 5");
  expect(await cli.json("audit")).toMatchObject({ balanced: true });
}, 40_000);

test("what cannot be is refused with a sentence, and exit code 1", async () => {
  await cli.run("user", "add", "dan");
  await cli.run("org", "create", "small", "--owner", "dan");
  await cli.run("org", "seats", "small", "2");
  await cli.run("org", "add-member", "small", "ada");
  for (const [args, word] of [
    [["org", "create", "small"], "already"],
    [["org", "create", "ada"], "already"],
    [["user", "add", "small"], "already"],
    [["org", "create", "a b"], "cannot be a name"],
    [["org", "create", "0123456789abcdef01234567"], "24 hex"],
    [["org", "create", "x", "--plan", "gold"], "gold"],
    [["org", "create", "x", "--seats", "0"], "--seats"],
    [["org", "create", "x", "--seats", "many"], "--seats"],
    [["org", "create", "x", "--owner", "nobody"], "nobody"],
    [["org", "seats", "small", "1"], "has 2 members and needs a seat for each: take somebody out"],
    [["org", "seats", "nowhere", "1"], "nowhere"],
    [["org", "add-member", "small", "bob"], "All 2 seats"],
    [["org", "add-member", "small", "ada"], "already"],
    [["org", "add-member", "small", "nobody"], "nobody"],
    [["org", "add-member", "small", "bob", "--role", "boss"], "--role"],
    [["org", "remove-member", "small", "dan"], "last owner of small: make somebody else"],
    [["org", "remove-member", "small", "bob"], "no member"],
    [["org", "limit", "small", "1e3"], "1e3"],
    [["org", "limit", "small", "5", "--member", "bob"], "--member"],
    [["org", "limit", "small", "5", "--group", "0123"], "--group"],
    [["org", "spending-limit", "small", "0.0000000001"], "0.0000000001"],
    [["org", "plan", "small", "gold"], "gold"],
    [["credit", "grant", "--org", "nowhere", "--amount", "5"], "nowhere"],
    [["credit", "show", "--org", "small", "--user", "ada"], "one of them"],
    [["credit", "show"], "one of them"],
  ] as const) {
    const { code, printed, complaint } = await cli.run(...args);
    expect({ args, code, printed }).toEqual({ args, code: 1, printed: "" });
    expect(complaint).toContain(word);
  }
}, 60_000);
