import { expect, test } from "bun:test";
import { Refusal } from "./refusal.js";
import { WaitingLine } from "./waiting-line.js";

const stay = new AbortController().signal;
const line = () => new WaitingLine({ waitingMax: 2, waitingBytesMax: 100 });

test("requests go one after the other, in the order in which they came", async () => {
  const one = line();
  const order: number[] = [];
  const run = async (name: number) => {
    const leave = await one.enter(1, stay);
    order.push(name);
    await Promise.resolve();
    order.push(-name);
    leave();
  };
  await Promise.all([run(1), run(2), run(3)]);
  expect(order).toEqual([1, -1, 2, -2, 3, -3]);
  expect(one.isEmpty).toBe(true);
});

test("who finds no room is told to come back, by count and by bytes", async () => {
  for (const sizes of [
    [1, 1],
    [99, 1],
  ]) {
    const one = line();
    await one.enter(1000, stay);
    const waiting = sizes.map((bytes) => one.enter(bytes, stay));
    const refused = await one.enter(1, stay).catch((thrown) => thrown);
    expect(refused).toBeInstanceOf(Refusal);
    expect([refused.status, refused.headers["retry-after"]]).toEqual([429, "2"]);
    expect(waiting).toHaveLength(2);
  }
});

test("who gives up makes room, and is not let in", async () => {
  const one = line();
  const leave = await one.enter(1, stay);
  const gone = new AbortController();
  const given = one.enter(100, gone.signal);
  gone.abort(new Error("gone"));
  await expect(given).rejects.toThrow("gone");
  const next = one.enter(100, stay);
  leave();
  leave();
  (await next)();
  expect(one.isEmpty).toBe(true);
});
