/** docs/http.md names every route, and no route that is not there. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { ROUTES } from "../../src/http/routes.js";

const document = await Bun.file(join(import.meta.dir, "..", "..", "docs", "http.md")).text();

/** `GET /api/turnpike/me/tokens/{id}` as written, with every `{…}` as one star; two stars for a closing `{…}/{…}`. */
const named = new Set(
  [...document.matchAll(/`((?:GET|POST|PUT|PATCH|DELETE) \/[^`\s?]*)[^`]*`/g)].map(
    ([, route = ""]) => route.replace(/\{[^}]+\}\/\{[^}]+\}$/, "**").replace(/\{[^}]+\}/g, "*"),
  ),
);
const served = ROUTES.map(({ method, path }) => `${method} ${path}`);

test("every route is named in docs/http.md", () => {
  expect(served.filter((route) => !named.has(route))).toEqual([]);
});

test("docs/http.md names no route that is not there", () => {
  expect([...named].filter((route) => !served.includes(route))).toEqual([]);
});
