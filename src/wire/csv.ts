/** Tables as text for spreadsheets. Source: RFC 4180. */

export type Cell = string | number | bigint | boolean;

export const csv = (header: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  [header, ...rows].map((row) => `${row.map(printCell).join(",")}\r\n`).join("");

function printCell(cell: Cell): string {
  const text = typeof cell === "string" ? harmless(cell) : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Spreadsheets run what begins like this, and names here are anybody's to choose. A number below zero is a number. */
const harmless = (text: string): string =>
  /^[=+@\t\r-]/.test(text) && !/^-\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
