import { expect, test } from "bun:test";
import { Arrivals } from "./arrivals.js";

/** Arrivals whose answers tell, in `seen`, which requests were answered so far. */
function start(underWay: () => number) {
  const seen: string[] = [];
  const arrivals = new Arrivals(async (request) => {
    seen.push(request.url.slice(-1));
    return new Response(request.url.slice(-1));
  }, underWay);
  const take = (name: string) => arrivals.take(new Request(`http://here/${name}`));
  return { seen, take };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("with few requests under way each is answered at once", async () => {
  const { seen, take } = start(() => 7);
  const answer = take("a");
  expect(seen).toEqual(["a"]);
  expect(await (await answer).text()).toBe("a");
});

test("in a crowd requests that come in together are answered in a row, each with its own answer", async () => {
  const { seen, take } = start(() => 8);
  const answers = ["a", "b", "c"].map(take);
  expect(seen).toEqual([]);
  await turn();
  expect(seen).toEqual(["a", "b", "c"]);
  const texts = await Promise.all(answers.map(async (answer) => (await answer).text()));
  expect(texts).toEqual(["a", "b", "c"]);
});

test("a crowd that was just answered is still one, and is forgotten after as many requests", async () => {
  let underWay = 10;
  const { seen, take } = start(() => underWay);
  void take("a");
  underWay = 0;
  void take("b");
  void take("c");
  expect(seen).toEqual([]);
  await turn();
  expect(seen).toEqual(["a", "b", "c"]);
  void take("d");
  expect(seen.at(-1)).toBe("d");
});
