import { expect, test } from "bun:test";
import { shortTextAt } from "./short-texts.js";

test("a text is what stands there, however many others were read before", () => {
  const names = Array.from({ length: 2_000 }, (_, i) => `${"größe🙂".repeat(i % 9)}name${i}`);
  for (const name of [...names, ...names.toReversed(), "", "\ud800", 'a "b" \\']) {
    const quoted = JSON.stringify(name);
    const bytes = Buffer.from(`{${quoted}:1}`);
    expect(shortTextAt(bytes, 2, Buffer.byteLength(quoted))).toBe(name);
  }
});
