import { expect, test } from "bun:test";
import { EventTemplate } from "./event-template.js";

const event = (content: string, extra = ""): string =>
  `data: {"id":"c-1","choices":[{"index":0,"delta":{"content":"${content}"}}]${extra}}\n\n`;

const learned = (first: string, output: string): EventTemplate => {
  const template = new EventTemplate();
  template.learn(first, output);
  return template;
};

/** The text that `template` finds in `next`, or undefined where it does not know it. */
function textIn(template: EventTemplate, next: string): string | undefined {
  const bytes = Buffer.from(next);
  const length = template.textIn(bytes);
  return length < 0 ? undefined : bytes.toString("utf8", template.textAt, template.textAt + length);
}

test("an event that differs in nothing but its text is known, whatever the length of that", () => {
  const template = learned(event("Hello"), "Hello");
  for (const text of ["Hello", " world", "", "é, 你好", "x".repeat(2_000)]) {
    expect(textIn(template, event(text))).toBe(text);
  }
});

test("anything else about an event makes it unknown", () => {
  const template = learned(event("Hello"), "Hello");
  for (const next of [
    event("a", ',"usage":{"prompt_tokens":1}'),
    event("a").replace("c-1", "c-2"),
    event("a").replace("\n\n", "\r\n\r\n"),
    event('a","finish_reason":"stop'),
    event("a\\nb"),
    event("a\u0000b"),
    event("a") + event("b"),
    event("a\n\ndata: {}"),
    event("a").slice(0, -1),
    "data: [DONE]\n\n",
    "",
  ]) {
    expect(textIn(template, next)).toBeUndefined();
  }
});

test("what overlaps of a beginning and an end is no event", () => {
  const template = learned('data: "aa"\n\n', "aa");
  expect(textIn(template, 'data: "\n\n')).toBeUndefined();
});

test("text that stands in an event twice, or with an escape, or not at all, teaches nothing", () => {
  const unclear: readonly (readonly [string, string])[] = [
    [event("c-1"), "c-1"],
    [event('say \\"hi\\"'), 'say "hi"'],
    [event("Hello"), ""],
    [event("Hello"), "Bye"],
  ];
  for (const [first, output] of unclear) {
    expect(textIn(learned(first, output), event("next"))).toBeUndefined();
  }
});

test("a stream with something new in every event is left alone after some tries", () => {
  const template = new EventTemplate();
  const numbered = (n: number) => event("Hello", `,"n":${n}`);
  for (let n = 0; n < 100; n++) {
    expect(textIn(template, numbered(n))).toBeUndefined();
    template.learn(numbered(n), "Hello");
  }
  expect(textIn(template, numbered(7))).toBe("Hello");
  expect(textIn(template, numbered(99))).toBeUndefined();
});
