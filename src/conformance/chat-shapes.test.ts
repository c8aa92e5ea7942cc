import { expect, test } from "bun:test";
import {
  isCutShort,
  paceFault,
  saysSomething,
  structuredFault,
  throughputOf,
  toolFault,
} from "./chat-shapes.js";
import type { Answered } from "./check.js";

const stream = (text: string, ms: number, firstTokenMs: number | undefined): Answered => ({
  status: 200,
  header: () => "text/event-stream",
  bytes: Buffer.from(text),
  text,
  ms,
  firstTokenMs,
});

test("five seconds to the first token and thirty in all are enough, and a millisecond more is not", () => {
  const fault = (firstTokenMs: number | undefined, ms: number) =>
    paceFault(stream("", ms, firstTokenMs));
  expect(fault(5_000, 30_000)).toBeUndefined();
  expect(fault(undefined, 30_000)).toBeUndefined();
  expect(fault(5_001, 6_000)).toContain("the first token came after 5001 ms");
  expect(fault(100, 30_001)).toContain("it took 30001 ms");
});

test("a role, a count and an empty piece say nothing; text, a thought and a call do", () => {
  const says = (delta: object) => saysSomething(JSON.stringify({ choices: [{ delta }] }));
  expect([{ role: "assistant" }, { content: "" }, { tool_calls: [] }].map(says)).toEqual([
    false,
    false,
    false,
  ]);
  expect(saysSomething("[DONE]")).toBe(false);
  expect(saysSomething(JSON.stringify({ choices: [], usage: {} }))).toBe(false);
  const telling = [{ content: "a" }, { reasoning_content: "b" }, { tool_calls: [{ index: 0 }] }];
  expect(telling.map(says)).toEqual([true, true, true]);
});

test("speed is counted from the first token on", () => {
  const text = `data: ${JSON.stringify({ choices: [], usage: { completion_tokens: 21 } })}\n\n`;
  expect(throughputOf(stream(text, 1_500, 500))).toBe(20);
  expect(throughputOf(stream(text, 500, 500))).toBeUndefined();
  expect(throughputOf(stream("", 1_500, 500))).toBeUndefined();
});

const answer = (message: object, finish_reason = "stop") => ({
  choices: [{ finish_reason, message }],
});

test("a tool is called by its name and with JSON", () => {
  const call = (name: string, args: unknown) =>
    answer({ tool_calls: [{ function: { name, arguments: args } }] });
  expect(toolFault(call("f", '{"a":1}'), "f")).toBeUndefined();
  expect(toolFault(call("g", "{}"), "f")).toContain('not called "f"');
  for (const args of ["", "[1]", "{", { a: 1 }, undefined]) {
    expect(toolFault(call("f", args), "f")).toContain("arguments");
  }
  expect(toolFault(answer({ content: "It rains." }), "f")).toContain("missing");
});

test("a form has its members and nothing around it", () => {
  const fault = (content: unknown) => structuredFault(answer({ content }), { a: "number" });
  expect(fault('{"a": 1}')).toBeUndefined();
  expect(fault('{"a": "1"}')).toContain('"a" is no number');
  for (const content of ['```json\n{"a":1}\n```', "[1]", "", null]) {
    expect(fault(content)).toContain("no JSON object");
  }
  expect([isCutShort(answer({}, "length")), isCutShort(answer({}))]).toEqual([true, false]);
});
