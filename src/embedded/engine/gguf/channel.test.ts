import { expect, test } from "bun:test";
import { channel } from "./channel.js";

test("everything that was pushed is taken, in order, whoever is faster", async () => {
  const { push, end, items } = channel<number>();
  push(1);
  push(2);
  const taken: number[] = [];
  const taking = (async () => {
    for await (const each of items) taken.push(each);
  })();
  await Bun.sleep(1);
  push(3);
  push(4);
  end();
  await taking;
  expect(taken).toEqual([1, 2, 3, 4]);
});

test("a failure comes after what was pushed before it", async () => {
  const { push, end, items } = channel<number>();
  push(1);
  end(new Error("broken"));
  const source = items[Symbol.asyncIterator]();
  expect(await source.next()).toEqual({ done: false, value: 1 });
  await expect(source.next()).rejects.toThrow("broken");
});
