/**
 * Writes the parts of docs/ that are made from the code. `node bin/turnpike.mjs --run scripts/docs.ts` writes
 * them, with `--check` it only says whether they are up to date. The tests in test/docs do that too.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { snakeCase } from "../src/config/schema.js";
import { ON_THE_WIRE } from "../src/http/errors.js";
import { defaultLimits } from "../src/kernel/limits.js";
import { DIFFERENCES, proofs } from "../test/providers/proofs.js";

const ROOT = join(import.meta.dir, "..");

/** A part of a document between `<!-- begin NAME -->` and `<!-- end NAME -->`. */
export type MadePart = { readonly file: string; readonly name: string; readonly text: string };

export const madeParts = (): readonly MadePart[] => [
  { file: "docs/errors.md", name: "errors", text: errorsTable() },
  { file: "docs/operating.md", name: "limits", text: limitsTable() },
  { file: "docs/providers.md", name: "proofs", text: proofsTable() },
  { file: "docs/providers.md", name: "differences", text: differencesList() },
  { file: "docs/providers.md", name: "gaps", text: gapsList() },
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
    ["limit", "default", "meaning"],
    Object.entries(defaultLimits).map(([name, value]) => [
      `\`${snakeCase(name)}\``,
      String(value),
      meaningOf(name),
    ]),
  );

/** What the code says of a limit, in the line before it. */
function meaningOf(limit: string): string {
  const code = readFileSync(join(ROOT, "src", "kernel", "limits.ts"), "utf8");
  const meaning = new RegExp(`/\\*\\* (.*) \\*/\\n  ${limit}: `).exec(code)?.[1];
  if (!meaning) throw new Error(`the limit ${limit} has no line that says what it is`);
  return meaning;
}

const mark = (isTrue: boolean): string => (isTrue ? "yes" : "-");

export const proofsTable = (): string =>
  table(
    ["provider", "task", "(a)", "(b)", "JS", "Python", "`/v1`", "own"],
    proofs().map(({ provider, task, exchanges, oracle, endToEnd }) => [
      ...[`\`${provider}\``, task, String(exchanges || "-"), oracle],
      mark(endToEnd["@huggingface/inference"]),
      mark(endToEnd.huggingface_hub),
      mark(endToEnd.openai),
      mark(endToEnd.own),
    ]),
  );

const differencesList = (): string =>
  DIFFERENCES.map((why, i) => `${i + 1}. ${why[0]?.toUpperCase()}${why.slice(1)}.`).join("\n");

/** What lacks (a), or all of (c). */
function gapsList(): string {
  const all = proofs();
  const without = [
    ["no exchange", all.filter(({ exchanges }) => exchanges === 0)],
    ["nothing end to end", all.filter(({ endToEnd }) => !Object.values(endToEnd).some(Boolean))],
  ] as const;
  return without
    .map(([what, which]) => {
      const names = which.map(({ provider, task }) => `\`${provider}\` ${task}`);
      return `- ${what}: ${names.join(", ") || "none"}`;
    })
    .join("\n");
}

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
