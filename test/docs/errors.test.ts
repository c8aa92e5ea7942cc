/** The parts of the documents that are made from the code say what the code says. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { madeParts, withPart } from "../../scripts/docs.js";
import { ON_THE_WIRE } from "../../src/http/errors.js";

const ROOT = join(import.meta.dir, "..", "..");

for (const part of madeParts()) {
  test(`the table of ${part.name} in ${part.file} is the code's; else: node bin/turnpike.mjs --run scripts/docs.ts`, async () => {
    const document = await Bun.file(join(ROOT, part.file)).text();
    expect(document).toBe(withPart(document, part));
  });
}

test("no error is a 503, which the JavaScript client repeats at once and without end", () => {
  const statuses: number[] = Object.values(ON_THE_WIRE).map(({ status }) => status);
  expect(statuses).not.toContain(503);
});
