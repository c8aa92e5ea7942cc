import { expect, test } from "bun:test";
import { Arrivals } from "./arrivals.js";

/** Arrivals that tell, in `seen`, which were served so far. */
function start(underWay: () => number) {
  const seen: string[] = [];
  const arrivals = new Arrivals(underWay);
  const take = (name: string) => arrivals.take({ serve: () => seen.push(name) });
  return { seen, take };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("with few requests under way each is served at once", () => {
  const { seen, take } = start(() => 7);
  take("a");
  expect(seen).toEqual(["a"]);
});

test("in a crowd requests that come in together are served in a row", async () => {
  const { seen, take } = start(() => 8);
  for (const name of ["a", "b", "c"]) take(name);
  expect(seen).toEqual([]);
  await turn();
  expect(seen).toEqual(["a", "b", "c"]);
});

test("a crowd that was just served is still one, and is forgotten after as many requests", async () => {
  let underWay = 10;
  const { seen, take } = start(() => underWay);
  take("a");
  underWay = 0;
  take("b");
  take("c");
  expect(seen).toEqual([]);
  await turn();
  expect(seen).toEqual(["a", "b", "c"]);
  take("d");
  expect(seen.at(-1)).toBe("d");
});
