import { isObject, isString, type Json, type JsonObject } from "../json.js";
import { hashOf, type Random } from "../random.js";
import { WORDS } from "../words.js";
import { failed, type Pipeline, required, says } from "./pipeline.js";

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

type Span = { readonly answer: string; readonly start: number; readonly end: number };

/** A piece of the context: what has a capital or a digit, and is not in the question, comes first. */
export const questionAnswering: Pipeline = ({ ask, inputs, parameters }) => {
  const { question, context } = isObject(inputs) ? inputs : {};
  if (!isString(question)) return required("inputs.question");
  if (!isString(context)) return required("inputs.context");
  const top = Number(parameters.top_k ?? 1);
  const spans = spansOf(context, question).slice(0, Math.max(1, top));
  const answers = scored(spans, ask.random);
  return says(top > 1 ? answers : (answers[0] ?? { score: 0, start: 0, end: 0, answer: "" }));
};

function spansOf(context: string, question: string): Span[] {
  const asked = new Set(wordsOf(question));
  const spans = [...context.matchAll(/[\p{L}\p{N}]+/gu)]
    .map(({ 0: answer, index: start }) => ({ answer, start, end: start + answer.length }))
    .filter(({ answer }) => !asked.has(answer.toLowerCase()));
  const tells = ({ answer, start }: Span) =>
    (start > 0 && /^[\p{Lu}\p{N}]/u.test(answer) ? 100 : 0) + answer.length;
  return spans.sort((left, right) => tells(right) - tells(left));
}

function scored(spans: readonly Span[], random: Random): JsonObject[] {
  let left = 1;
  return spans.map((span) => {
    const score = left * (0.8 + random() * 0.19);
    left -= score;
    return { score, start: span.start, end: span.end, answer: span.answer };
  });
}

const AGGREGATORS: readonly (readonly [RegExp, string])[] = [
  [/\b(average|mean)\b/i, "AVERAGE"],
  [/\b(sum|total|altogether)\b/i, "SUM"],
  [/\b(how many|number of|count)\b/i, "COUNT"],
];

/** An object whatever `top_k` says, and always with an aggregator: both clients take it so. */
export const tableQuestionAnswering: Pipeline = ({ inputs }) => {
  const { query, question = query, table } = isObject(inputs) ? inputs : {};
  if (!isString(question)) return required("inputs.query");
  if (!isObject(table)) return required("inputs.table");
  const columns = Object.keys(table);
  const asked = wordsOf(question);
  const column = columnAsked(columns, asked);
  const rows = rowsAsked(table, asked);
  const coordinates = rows.map((row) => [row, column]);
  const cells = coordinates.map(([row = 0, at = 0]) => cellOf(table, columns[at], row));
  const aggregator = AGGREGATORS.find(([words]) => words.test(question))?.[1] ?? "NONE";
  const listed = cells.join(", ");
  return says({
    answer: aggregator === "NONE" ? listed : `${aggregator} > ${listed}`,
    coordinates,
    cells,
    aggregator,
  });
};

/** The column that the question names first; without any, the first. */
function columnAsked(columns: readonly string[], asked: readonly string[]): number {
  const named = asked.map((word) => columns.findIndex((name) => wordsOf(name).includes(word)));
  return named.find((at) => at >= 0) ?? 0;
}

const cellOf = (table: JsonObject, column: string | undefined, row: number): string => {
  const cells = column === undefined ? undefined : table[column];
  return Array.isArray(cells) ? String(cells[row] ?? "") : "";
};

/** The rows that the question names; all of them where it names none. */
function rowsAsked(table: JsonObject, asked: readonly string[]): number[] {
  const lists = Object.values(table).filter((cells): cells is readonly Json[] =>
    Array.isArray(cells),
  );
  const count = Math.max(0, ...lists.map((cells) => cells.length));
  const all = Array.from({ length: count }, (_, row) => row);
  const named = all.filter((row) =>
    lists.some((cells) => asked.includes(String(cells[row] ?? "").toLowerCase())),
  );
  return named.length > 0 ? named : all;
}

const MASK = /\[MASK\]|<mask>/;

export const fillMask: Pipeline = ({ ask, inputs, parameters }) => {
  if (!isString(inputs)) return required("inputs");
  if (!MASK.test(inputs)) return failed("No mask_token ([MASK]) found on the input");
  const targets = Array.isArray(parameters.targets) ? parameters.targets.filter(isString) : [];
  const count = Number(parameters.top_k ?? DEFAULT_FILLINGS);
  const words = targets.length > 0 ? targets : shuffled(WORDS, ask.random);
  let left = 1;
  return says(
    words.slice(0, count).map((word) => {
      const score = left * (0.3 + ask.random() * 0.2);
      left -= score;
      return {
        score,
        token: 1000 + (hashOf(word) % 28_000),
        token_str: word,
        sequence: inputs.replace(MASK, word),
      };
    }),
  );
};

const DEFAULT_FILLINGS = 5;

const shuffled = (words: readonly string[], random: Random): string[] =>
  words
    .map((word) => ({ word, at: random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ word }) => word);
