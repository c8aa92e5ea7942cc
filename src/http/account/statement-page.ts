/** A statement on paper: a page without anything from elsewhere, that prints as it looks. */
import { formatUsd } from "../../kernel/money.js";
import { printDay, printTime } from "../../kernel/print-time.js";
import type { AccountLine, Statement } from "../../ledger/statement.js";
import { escapeHtml, htmlPage } from "../html.js";
import { isUsageKept, type StatementFacts } from "./statement.js";

const STYLE = `
  body { font: 14px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 3rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem } h2 { font-size: 1rem; margin-top: 2rem }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884 }
  .number { text-align: right; font-variant-numeric: tabular-nums; padding-right: 0; padding-left: .75rem }
  tfoot td { font-weight: 600 }
  thead { display: table-header-group } tr { break-inside: avoid }
  @media print { body { margin: 0; max-width: none; color: #000; background: #fff } }
`;

export function statementPage(statement: Statement, facts: StatementFacts): Response {
  const { month, payer, charged, due } = statement;
  const state = facts.state === "open" ? " (so far: the month is not over)" : "";
  return htmlPage(
    `Statement ${month.name}`,
    STYLE,
    `<h1>Statement ${month.name}${state}</h1>
<p>${escapeHtml(facts.name)} · <code>${escapeHtml(payer)}</code><br>
${printDay(month.start)} to ${printDay(month.end - 1)}, UTC · issued ${printTime(facts.at)}</p>
<p>Charged <strong>${dollars(charged)}</strong> · to pay <strong>${dollars(due)}</strong></p>
<h2>Usage</h2>
${usageTable(statement)}
<h2>Credit</h2>
${accountsTable(statement.accounts)}`,
  );
}

const dollars = (amount: bigint): string =>
  amount < 0n ? `-$${formatUsd(-amount)}` : `$${formatUsd(amount)}`;

function usageTable(statement: Statement): string {
  if (!isUsageKept(statement)) {
    return "<p>What was used is not kept for so long; what was charged is.</p>";
  }
  const rows = statement.usage.map((line) => [
    line.model,
    line.isOwnKey ? `${line.provider} (own key)` : line.provider,
    String(line.requests),
    String(line.inputTokens),
    String(line.outputTokens),
    dollars(line.charged),
  ]);
  const header = ["Model", "Provider", "Requests", "Tokens in", "Tokens out", "Charged"];
  return table(header, rows, 2, ["All", "", "", "", "", dollars(statement.charged)]);
}

function accountsTable(accounts: readonly AccountLine[]): string {
  const rows = accounts.flatMap((line) => [
    [line.kind, line.account, "before", dollars(line.opening)],
    ...Object.entries(line.moves).map(([code, amount]) => ["", "", code, dollars(amount)]),
    ["", "", "left", dollars(line.closing)],
  ]);
  return table(["Credit", "Account", "", "Amount"], rows, 3);
}

/** Columns from `numbersFrom` on are numbers. */
function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  numbersFrom: number,
  footer?: readonly string[],
): string {
  if (rows.length === 0) return "<p>Nothing.</p>";
  const line = (cells: readonly string[], tag: "td" | "th"): string =>
    `<tr>${cells
      .map(
        (cell, i) =>
          `<${tag}${i < numbersFrom ? "" : ' class="number"'}>${escapeHtml(cell)}</${tag}>`,
      )
      .join("")}</tr>`;
  const body = rows.map((row) => line(row, "td")).join("\n");
  const foot = footer ? `<tfoot>${line(footer, "td")}</tfoot>` : "";
  return `<table><thead>${line(header, "th")}</thead><tbody>${body}</tbody>${foot}</table>`;
}
