import { afterAll, expect, test } from "bun:test";
import { systemClock } from "../../kernel/clock.js";
import { defaultLimits } from "../../kernel/limits.js";
import { HttpPool } from "../client/pool.js";
import { Deadline } from "../deadline.js";
import type { Gateway } from "../parts.js";
import { ForbiddenUrlError, publicAddressOf } from "../registry/public-address.js";
import { download } from "./download.js";

const asked: string[] = [];
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request) => {
    const { pathname } = new URL(request.url);
    asked.push(`${request.headers.get("host")}${pathname}`);
    if (pathname === "/moved") return Response.redirect("/picture.png", 302);
    return new Response("a picture", { headers: { "content-type": "image/png" } });
  },
});
const http = new HttpPool();
afterAll(() => {
  http.close();
  server.stop(true);
});

const fetched = async (url: string, guard: (host: string) => Promise<string>) => {
  const caller = { signal: new AbortController().signal };
  const deadline = new Deadline(systemClock, caller, systemClock.elapsed() + 5_000, 5_000);
  const gateway = { http, limits: defaultLimits, newId: () => "id" } as unknown as Gateway;
  try {
    return await download(gateway, { url, guard, trustedOrigin: undefined, deadline });
  } finally {
    deadline.end();
  }
};

const NAME = `changes-its-mind.invalid:${server.port}`;

test("the address that was judged is the one that is connected to, whatever the name says a moment later", async () => {
  // Nobody but the guard knows the name: whoever looked it up again would find nothing.
  const { bytes, type } = await fetched(`http://${NAME}/picture.png`, async () => "127.0.0.1");
  expect([Buffer.from(bytes).toString(), type]).toEqual(["a picture", "image/png"]);
  expect(asked).toEqual([`${NAME}/picture.png`]);
});

test("a name that turns inside between two steps of a redirect is refused at the second", async () => {
  const answers = ["127.0.0.1", undefined];
  const guard = async () => {
    const address = answers.shift();
    if (address === undefined) throw new ForbiddenUrlError("the address is not a public one");
    return address;
  };
  asked.length = 0;
  await expect(fetched(`http://${NAME}/moved`, guard)).rejects.toBeInstanceOf(ForbiddenUrlError);
  expect(asked).toEqual([`${NAME}/moved`]);
});

test("a name with one address outside and one inside is refused", async () => {
  for (const addresses of [
    ["8.8.8.8", "127.0.0.1"],
    ["169.254.169.254"],
    ["2606:4700::1111", "::ffff:10.0.0.1"],
  ]) {
    const guard = (host: string) => publicAddressOf(host, undefined, async () => addresses);
    await expect(fetched(`http://${NAME}/x`, guard)).rejects.toBeInstanceOf(ForbiddenUrlError);
  }
});
