/** Links between documents lead somewhere. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");

const documents = [
  ...(await Array.fromAsync(new Bun.Glob("*.md").scan({ cwd: ROOT }))),
  ...(await Array.fromAsync(new Bun.Glob("{docs,sim,bench}/**/*.md").scan({ cwd: ROOT }))),
];

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .trim()
    .replace(/\s/g, "-");

test("every relative link of a document leads to a file, and to a heading where it names one", async () => {
  const broken: string[] = [];
  for (const document of documents) {
    const text = await Bun.file(join(ROOT, document)).text();
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? join(ROOT, document) : join(ROOT, dirname(document), file);
      if (!existsSync(path)) broken.push(`${document}: ${target}`);
      else if (anchor !== undefined) {
        const headings = (await Bun.file(path).text()).matchAll(/^#+ (.+)$/gm);
        const anchors = [...headings].map(([, heading = ""]) => anchorOf(heading));
        if (!anchors.includes(anchor)) broken.push(`${document}: ${target}`);
      }
    }
  }
  expect(broken).toEqual([]);
});
