import { isObject, type Json } from "../json.js";
import { below, type Random } from "../random.js";
import { type Given, type Pipeline, required, says } from "./pipeline.js";

/** One answer for each row, however the client wraps the table. */
const perRow =
  (answer: (random: Random) => Json): Pipeline =>
  (given) => {
    const rows = rowsIn(given);
    if (rows === undefined) return required("inputs.data");
    return says(Array.from({ length: rows }, () => answer(given.ask.random)));
  };

/** `{inputs: {data: {column: [...]}}}`, or `{table: {column: [...]}}` as Python's client sends it. */
function rowsIn({ inputs, ask }: Given): number | undefined {
  const table = isObject(inputs) ? (inputs.data ?? inputs) : ask.json.table;
  if (!isObject(table)) return undefined;
  const lengths = Object.values(table).map((cells) => (Array.isArray(cells) ? cells.length : 0));
  return lengths.length === 0 ? undefined : Math.max(...lengths);
}

export const tabularClassification = perRow((random) => 3 + below(random, 6));
export const tabularRegression = perRow((random) => 100 + random() * 400);
