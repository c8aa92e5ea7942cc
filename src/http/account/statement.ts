/** A statement as programs and spreadsheets read it. */
import { formatUsd } from "../../kernel/money.js";
import { printTime, printTimeOrNull } from "../../kernel/print-time.js";
import type { AccountLine, Statement, StatementUsage } from "../../ledger/statement.js";
import { type Cell, csv } from "../../wire/csv.js";
import { csvFile } from "../formats.js";

/** What is said of a statement besides its figures. */
export type StatementFacts = {
  /** The payer's. */
  readonly name: string;
  readonly at: number;
  readonly state: "open" | "closed";
};

export const printStatement = (statement: Statement, { name, at, state }: StatementFacts) => ({
  month: statement.month.name,
  from: printTime(statement.month.start),
  to: printTime(statement.month.end),
  state,
  issued_at: printTime(at),
  payer: { id: statement.payer, name },
  currency: "USD",
  charged_nano_usd: String(statement.charged),
  due_nano_usd: String(statement.due),
  accounts: statement.accounts.map(printAccount),
  usage: statement.usage.map(printLine),
  usage_kept: isUsageKept(statement),
});

/** Sums of usage may go before the ledger does; then only what was charged is known. */
export const isUsageKept = ({ usage, charged }: Statement): boolean =>
  usage.length > 0 || charged === 0n;

const printAccount = ({ account, kind, expiresAt, opening, moves, closing }: AccountLine) => ({
  account,
  kind,
  expires_at: printTimeOrNull(expiresAt),
  opening_nano_usd: String(opening),
  moves_nano_usd: Object.fromEntries(
    Object.entries(moves).map(([code, amount]) => [code, String(amount)]),
  ),
  closing_nano_usd: String(closing),
});

const printLine = (line: StatementUsage) => ({
  model: line.model,
  provider: line.provider,
  own_key: line.isOwnKey,
  requests: line.requests,
  input_tokens: line.inputTokens,
  output_tokens: line.outputTokens,
  charged_nano_usd: String(line.charged),
});

const COLUMNS = [
  ...["month", "section", "name", "provider", "own_key"],
  ...["requests", "input_tokens", "output_tokens", "amount_usd", "amount_nano_usd"],
];

/** Three sections: what was used, what moved on each account, and what was charged and is due in all. */
export function statementCsv(statement: Statement): Response {
  const month = statement.month.name;
  const amount = (nano: bigint): Cell[] => [formatUsd(nano), nano];
  const bare = (section: string, name: string, provider: string, nano: bigint): Cell[] => [
    ...[month, section, name, provider],
    ...["", "", "", ""],
    ...amount(nano),
  ];
  const rows = [
    ...statement.usage.map((line): Cell[] => [
      ...[month, "usage", line.model, line.provider, line.isOwnKey],
      ...[line.requests, line.inputTokens, line.outputTokens],
      ...amount(line.charged),
    ]),
    ...statement.accounts.flatMap(({ account, opening, moves, closing }) => [
      bare("opening", account, "", opening),
      ...Object.entries(moves).map(([code, nano]) => bare(code, account, "", nano)),
      bare("closing", account, "", closing),
    ]),
    bare("total", "charged", "", statement.charged),
    bare("total", "due", "", statement.due),
  ];
  return csvFile(csv(COLUMNS, rows), `statement-${month}`);
}
