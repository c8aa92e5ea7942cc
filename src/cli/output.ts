/** Tables for people, JSON for programs. */

export type Output = { readonly json: boolean };

/** Prints `value` as one line of JSON, or what `forPeople` makes of it. */
export function show(output: Output, value: unknown, forPeople: () => string): void {
  const text = output.json ? JSON.stringify(value) : forPeople();
  process.stdout.write(`${text}\n`);
}

/** Columns as wide as their widest cell; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "Nothing yet.";
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const isNumber = header.map((_, column) =>
    rows.every((row) => /^[$\d.,-]*$/.test(row[column] ?? "")),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return [
    line(header),
    widths.map((width) => "─".repeat(width)).join("  "),
    ...rows.map(line),
  ].join("\n");
}

/** Something the user got wrong: told without a stack, exit code 1. */
export class UserError extends Error {}
