import { expect, test } from "bun:test";
import { nameAt } from "./member-names.js";

test("a name is what stands in the text, however many others were read before", () => {
  const names = Array.from({ length: 2_000 }, (_, i) => `${"größe🙂".repeat(i % 9)}name${i}`);
  for (const name of [...names, ...names.toReversed(), "", "\ud800", 'a "b" \\']) {
    const quoted = JSON.stringify(name);
    const bytes = Buffer.from(`{${quoted}:1}`);
    expect(nameAt(bytes, 2, Buffer.byteLength(quoted))).toBe(name);
  }
});
