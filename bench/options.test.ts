import { expect, test } from "bun:test";
import { readOptions } from "./options.js";

test("without options everything is measured in five rounds, and nothing is written", () => {
  expect(readOptions([])).toEqual({
    subject: "gateway",
    rounds: 5,
    measurements: ["throughput", "latency", "streams"],
    variants: ["direct", "nginx", "nginx-bare", "portkey", "turnpike"],
    isQuick: false,
    isWritten: false,
  });
});

test("lists keep the bench's own order", () => {
  const options = readOptions(["--variants", "turnpike,direct", "--only", "latency", "--quick"]);
  expect(options.variants).toEqual(["direct", "turnpike"]);
  expect(options.measurements).toEqual(["latency"]);
  expect(options.rounds).toBe(1);
});

test("an unknown name, option or number of rounds is refused", () => {
  expect(() => readOptions(["--variants", "apache"])).toThrow('"apache" is not one of');
  expect(() => readOptions(["--fast"])).toThrow();
  for (const rounds of ["0", "1.5", "101", "x"]) {
    expect(() => readOptions(["--rounds", rounds])).toThrow("whole number");
  }
});
