/**
 * Writes the parts of docs/ that are made from the code. `node bin/turnpike.mjs --run scripts/docs.ts` writes
 * them, with `--check` it only says whether they are up to date. The tests in test/docs do that too.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { snakeCase } from "../src/config/schema.js";
import { ON_THE_WIRE } from "../src/http/errors.js";
import { defaultLimits } from "../src/kernel/limits.js";

const ROOT = join(import.meta.dir, "..");

/** A part of a document between `<!-- begin NAME -->` and `<!-- end NAME -->`. */
export type MadePart = { readonly file: string; readonly name: string; readonly text: string };

export const madeParts = (): readonly MadePart[] => [
  { file: "docs/errors.md", name: "errors", text: errorsTable() },
  { file: "docs/operating.md", name: "limits", text: limitsTable() },
];

const errorsTable = (): string =>
  table(
    ["code", "status", "type", "when"],
    Object.entries(ON_THE_WIRE).map(([code, { status, type, when }]) => [
      `\`${code}\``,
      String(status),
      `\`${type}\``,
      when,
    ]),
  );

const limitsTable = (): string =>
  table(
    ["limit", "default"],
    Object.entries(defaultLimits).map(([name, value]) => [`\`${snakeCase(name)}\``, String(value)]),
  );

/** As the formatter writes it: columns as wide as their widest cell. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, i) =>
    Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join(
    "\n",
  );
}

/** The document with the part in its place. Throws when the document has no place for it. */
export function withPart(document: string, { file, name, text }: MadePart): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} lacks ${begin} or, after it, ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${text}\n\n${document.slice(to)}`;
}

function main(isCheck: boolean): void {
  for (const part of madeParts()) {
    const path = join(ROOT, part.file);
    const before = readFileSync(path, "utf8");
    const after = withPart(before, part);
    if (after === before) continue;
    if (isCheck) process.exitCode = 1;
    else writeFileSync(path, after);
    console.log(`${part.file}: ${part.name} ${isCheck ? "is out of step" : "written"}`);
  }
}

if (import.meta.main) main(process.argv.includes("--check"));
