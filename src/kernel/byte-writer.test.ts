import { expect, test } from "bun:test";
import { ByteWriter } from "./byte-writer.js";

function written(write: (out: ByteWriter) => void): string {
  const out = new ByteWriter();
  write(out);
  return out.content().toString("utf8");
}

test("numbers are written as JavaScript writes them", () => {
  const powers = Array.from({ length: 20 }, (_, digits) => 10 ** digits);
  const wholes = powers.flatMap((power) => [power - 1, power, power + 1, 7 * power]);
  for (const value of [...wholes, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER, 1.5, -3, 1e-9]) {
    expect(written((out) => out.number(value))).toBe(String(value));
  }
});

test("texts are written as they are, and in quotes as JSON has them", () => {
  const texts = [
    "",
    "org/model",
    'a "b" \\c',
    "tab\tand\nline",
    "größe 漢字 🙂",
    "\u007f",
    "\ud800",
  ];
  for (const text of [...texts, ...texts.map((short) => short.repeat(300))]) {
    expect(written((out) => out.text(text))).toBe(Buffer.from(text).toString());
    expect(written((out) => out.quoted(text))).toBe(JSON.stringify(text));
  }
});

test("parts are written one after the other, and what stands in a buffer without being cut out", () => {
  expect(
    written((out) => {
      out.parts(["a: ", 12, Buffer.from("é"), "\r\n"]);
      out.copy(Buffer.from("0123456789"), 3, 6);
    }),
  ).toBe("a: 12é\r\n345");
});

test("what is longer than the room finds more, which is given back", () => {
  const out = new ByteWriter();
  const long = "größe ".repeat(100_000);
  out.text("begin ");
  out.text(long);
  out.encoded(Buffer.from(long));
  expect(out.content().toString()).toBe(`begin ${long}${long}`);
  out.clear();
  out.text("again");
  expect(out.content().toString()).toBe("again");
  expect(out.bytes.length).toBe(256 * 1024);
});
