/** Registering a provider, as its organization, the operator and strangers meet it. */
import { afterEach, expect, test } from "bun:test";
import { call, recordingLog, testApp, until } from "../support/app.js";
import { plainAnswer } from "../support/provider.js";
import { KEY, ORGS, PROVIDER, pass, registrationWorld } from "./registrations-world.js";

const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

test("an organization of providers registers one, and its key is never seen again", async () => {
  const { log, lines } = recordingLog();
  const { json, ada, bob, owner, form, app } = await registrationWorld(undo, { log });
  const made = await json("POST", PROVIDER, ada, form);
  expect(made.status).toBe(201);
  expect(made.body.provider).toMatchObject({
    ...{ id: "acme-ai", name: "Acme", org: "acme", state: "sandbox", key: "…6789" },
    ...{ base_url: form.base_url, dialect: "openai-compatible", has_passed: false },
    ...{ auth: { header: "authorization", scheme: "Bearer" }, request_id_header: "inference-id" },
    ...{ billing_url: null, models_url: `${form.base_url}/models`, tested_at: null },
  });
  expect((await json("GET", PROVIDER, bob)).body).toEqual(made.body);
  const listed = await json("GET", "/api/turnpike/admin/providers", owner);
  expect(listed.body.providers).toEqual([made.body.provider]);
  const stored = await app.site.registrations.load("acme-ai");
  for (const seen of [made, listed, stored, lines]) expect(JSON.stringify(seen)).not.toContain(KEY);
});

test("who may not register, and what may not be registered", async () => {
  const { json, ada, bob, eve, owner, form } = await registrationWorld(undo);
  const refused = async (user: typeof ada, body: object, path = PROVIDER) => {
    const { status, body: answer } = await json("POST", path, user, body);
    return [status, answer.error.code, answer.error.message];
  };
  const word = expect.stringContaining;
  expect(await refused(bob, form)).toEqual([403, "forbidden", word("an admin or owner")]);
  expect(await refused(eve, form)).toEqual([403, "not_a_member", word("acme")]);
  expect(await refused(eve, form, `${ORGS}/buyers/provider`)).toEqual([
    403,
    "forbidden",
    word("no organization of providers"),
  ]);
  const table: readonly [object, string][] = [
    [{ ...form, id: "v1" }, 'cannot be "v1"'],
    [{ ...form, id: "assets" }, 'cannot be "assets"'],
    [{ ...form, id: "embedded" }, 'cannot be "embedded"'],
    [{ ...form, id: "fastest" }, 'cannot be "fastest"'],
    [{ ...form, id: "Acme" }, "lower-case letters"],
    [{ ...form, id: "a/b" }, "lower-case letters"],
    [{ ...form, base_url: "http://169.254.169.254/latest" }, '"base_url" is refused'],
    [{ ...form, base_url: "http://[::1]:8000" }, '"base_url" is refused'],
    [{ ...form, base_url: "http://127.0.0.2" }, '"base_url" is refused'],
    [{ ...form, base_url: "http://user:pass@127.0.0.1" }, "holds a name or password"],
    [{ ...form, base_url: "ftp://127.0.0.1" }, "http or https"],
    [{ ...form, models_url: "http://10.0.0.1/models" }, '"models_url" is refused'],
    [{ ...form, billing_url: "http://10.0.0.1/billing" }, '"billing_url" is refused'],
    [{ ...form, auth: { query: "api_key" } }, "a key in a URL ends up in logs"],
    [{ ...form, auth: { header: "Host" } }, "cannot hold a key"],
    [{ ...form, auth: { header: "content-length" } }, "cannot hold a key"],
    [{ ...form, key: "short" }, "at least 8"],
    [{ ...form, key: "line\r\nbreak-in-key" }, "printable"],
    [{ ...form, dialect: "soap" }, "dialect"],
    [{ ...form, request_id_header: "a b" }, "name of a header"],
  ];
  for (const [body, why] of table) {
    expect([body, await refused(ada, body)]).toEqual([body, [400, "bad_request", word(why)]]);
  }
  for (const id of ["together", "hf-inference"]) {
    expect(await refused(ada, { ...form, id })).toEqual([409, "conflict", word("already")]);
  }
  expect((await json("POST", PROVIDER, ada, form)).status).toBe(201);
  expect(await refused(ada, { ...form, id: "second" })).toEqual([
    409,
    "conflict",
    word("registered a provider already"),
  ]);
  await json("POST", ORGS, owner, { name: "rival", type: "provider", owner: "eve" });
  expect(await refused(eve, form, `${ORGS}/rival/provider`)).toEqual([
    409,
    "conflict",
    word('a provider "acme-ai" already'),
  ]);
});

test("without the operator's leave a provider needs https and a public address", async () => {
  const { json, ada, form } = await registrationWorld(undo, {
    registration: { allow_http: false, allow_private_addresses: [] },
  });
  const why = async (base_url: string) =>
    (await json("POST", PROVIDER, ada, { ...form, base_url })).body.error.message;
  expect(await why("http://8.8.8.8/v1")).toContain("must begin with https://");
  expect(await why("https://127.0.0.1/v1")).toContain("not a public one");
  expect(await why("https://localhost/v1")).toContain("not a public one");
});

test("until it is live a provider is its organization's alone, and then everybody's", async () => {
  const world = await registrationWorld(undo);
  const { json, ada, bob, eve, owner, form, map, ask, server, app } = world;
  await json("POST", PROVIDER, ada, form);
  await map();
  const seenBy = async (user: typeof ada) => (await ask(user)).status;
  const promote = (user: typeof ada) => json("POST", `${PROVIDER}/promote`, user);
  const listed = async () => {
    const response = await app.answer(new Request("http://turnpike.test/v1/models/org/model"));
    return response.status === 404 ? "nothing" : (await response.json()).providers.length;
  };
  expect([await seenBy(bob), await seenBy(eve), await listed()]).toEqual([200, 404, "nothing"]);
  expect(server.received[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  expect(server.received).toHaveLength(1);

  expect((await promote(ada)).body.error.message).toContain("has not passed");
  await pass(world);
  expect((await promote(bob)).status).toBe(403);
  expect((await promote(ada)).body.provider.state).toBe("staging");
  expect([await seenBy(bob), await seenBy(eve), await listed()]).toEqual([200, 404, "nothing"]);

  const alone = await promote(ada);
  expect([alone.status, alone.body.error.message]).toEqual([
    403,
    expect.stringContaining("whoever operates this service"),
  ]);
  expect((await promote(owner)).body.provider.state).toBe("live");
  expect([await seenBy(bob), await seenBy(eve), await listed()]).toEqual([200, 200, 1]);
  expect((await promote(owner)).status).toBe(409);

  const named = await json("PATCH", PROVIDER, ada, { name: "Acme Inc." });
  expect(named.body.provider).toMatchObject({ state: "live", has_passed: true });
  const moved = await json("PATCH", PROVIDER, ada, { auth: { header: "X-Api-Key" } });
  expect(moved.body.provider).toMatchObject({ state: "sandbox", has_passed: false });
  expect([await seenBy(bob), await seenBy(eve)]).toEqual([200, 404]);
  expect(server.received.at(-1)?.headers).toMatchObject({ "x-api-key": KEY });
  expect(server.received.at(-1)?.headers.authorization).toBeUndefined();

  expect((await json("DELETE", PROVIDER, ada)).body.provider.state).toBe("withdrawn");
  expect([await seenBy(bob), await seenBy(eve)]).toEqual([404, 404]);
  expect((await promote(ada)).body.provider.state).toBe("sandbox");
});

test("what a provider answers after it was withdrawn is passed on and charged, and it is asked no more", async () => {
  const gate = Promise.withResolvers<void>();
  const reply = async () => {
    await gate.promise;
    return plainAnswer();
  };
  const { json, ada, bob, form, map, ask, server } = await registrationWorld(undo, { reply });
  await json("POST", PROVIDER, ada, form);
  await map();
  const asked = ask(bob);
  await until(() => server.received.length === 1);
  expect((await json("DELETE", PROVIDER, ada)).body.provider.state).toBe("withdrawn");
  gate.resolve();
  const answer = await asked;
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-turnpike-cost-nano-usd")).toBe("20000");
  expect((await ask(bob)).status).toBe(404);
  expect(server.received).toHaveLength(1);
});

test("where the operator trusts the checks alone, what passed them goes live", async () => {
  const world = await registrationWorld(undo, { registration: { approval: "automatic" } });
  const { json, ada, form } = world;
  await json("POST", PROVIDER, ada, form);
  await pass(world);
  await json("POST", `${PROVIDER}/promote`, ada);
  const live = await json("POST", `${PROVIDER}/promote`, ada);
  expect(live.body.provider.state).toBe("live");
});

test("a registered provider is known to every node within a second, and after a start", async () => {
  const world = await registrationWorld(undo);
  const { app, yaml, json, ada, bob, form, map, ask } = world;
  const other = await testApp({ yaml, data: app.data });
  undo.push(other.stop);
  await json("POST", PROVIDER, ada, form);
  await map();
  await until(() => other.site.gateway.providers.has("acme-ai"));
  await until(() => other.site.gateway.catalog.model("org/model") !== undefined);
  expect((await ask(bob, other as typeof app)).status).toBe(200);
  const third = await testApp({ yaml, data: app.data });
  undo.push(third.stop);
  expect((await ask(bob, third as typeof app)).status).toBe(200);
  await json("DELETE", PROVIDER, ada);
  await until(() => !other.site.gateway.providers.has("acme-ai"));
});

test("an operator's own provider of the same name goes before a registered one", async () => {
  const { app, json, ada, form } = await registrationWorld(undo);
  await json("POST", PROVIDER, ada, form);
  const yaml = JSON.stringify({
    providers: { "acme-ai": { type: "openai-compatible", base_url: "http://10.0.0.5/v1" } },
  });
  const { log, lines } = recordingLog();
  const later = await testApp({ yaml, data: app.data, log });
  undo.push(later.stop);
  const found = later.site.gateway.providers.get("acme-ai");
  expect([found?.baseUrl, found?.orgId]).toEqual(["http://10.0.0.5/v1", undefined]);
  expect(lines.map(({ event }) => event)).toContain("registered_provider_shadowed");
});

test("an address that turns out to lie inside is never connected to", async () => {
  const { app, json, ada, bob, form, map, ask } = await registrationWorld(undo);
  await json("POST", PROVIDER, ada, form);
  await map();
  // The operator has thought better of it: what is stored is judged again at every connection.
  const strict = await testApp({ data: app.data });
  undo.push(strict.stop);
  const response = await ask(bob, strict as typeof app);
  const { error } = await response.json();
  expect([response.status, JSON.stringify(error)]).toEqual([
    502,
    expect.stringContaining("forbidden_address"),
  ]);
});

test("of two loads that overlap, the older one changes nothing", async () => {
  const { app, json, ada, form } = await registrationWorld(undo);
  await json("POST", PROVIDER, ada, form);
  const { registrations, reloadProvider, gateway } = app.site;
  const late = Promise.withResolvers<void>();
  const { load } = registrations;
  let isFirst = true;
  Object.assign(registrations, {
    load: async (id: string) => {
      const row = await load(id);
      if (isFirst) {
        isFirst = false;
        await late.promise;
      }
      return row;
    },
  });
  const slow = reloadProvider("acme-ai");
  await json("DELETE", PROVIDER, ada);
  await until(() => !gateway.providers.has("acme-ai"));
  late.resolve();
  await slow;
  expect(gateway.providers.has("acme-ai")).toBe(false);
});

test("what a registered provider's answers link to is fetched from where it may be itself, and nowhere else", async () => {
  let taken = 0;
  const secret = () => new Response(`secret ${++taken}`);
  const inside = Bun.serve({ hostname: "127.0.0.2", port: 0, fetch: secret });
  undo.push(() => inside.stop(true));
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUg==", "base64");
  let url = "";
  const world = await registrationWorld(undo, {
    reply: ({ path }) =>
      path === "/picture.png"
        ? new Response(png, { headers: { "content-type": "image/png" } })
        : Response.json({ created: 1, data: [{ url }] }),
  });
  const { app, json, ada, bob, form, server } = world;
  await json("POST", PROVIDER, ada, form);
  await app.site.mappings.put([
    {
      ...{ provider: "acme-ai", task: "text-to-image", providerModel: "m", status: "live" },
      ...{ subject: { kind: "model", model: "org/pictures" }, facts: {} },
      price: { price: undefined, isFree: true, source: "test", setBy: "test" },
    },
  ]);
  await app.site.reloadMappings("acme-ai");
  const draw = async (link: string) => {
    url = link;
    const body = { inputs: "a square" };
    return app.answer(
      call("POST", "/models/org/pictures", bob.token, body, { "content-type": "application/json" }),
    );
  };
  const own = await draw(`${server.origin}/picture.png`);
  expect([own.status, own.headers.get("content-type")]).toEqual([200, "image/png"]);
  const stolen = await draw(`http://127.0.0.2:${inside.port}/secret`);
  expect(stolen.status).toBe(502);
  expect(taken).toBe(0);
});
