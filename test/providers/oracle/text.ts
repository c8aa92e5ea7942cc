/** Text, and all that hf-inference does. */
import type { OracleRow } from "./row.js";

export const textRows: readonly OracleRow[] = [
  {
    provider: "deepinfra",
    task: "feature-extraction",
    how: "texts with options",
    inputs: ["a", "b"],
    parameters: { dimensions: 64 },
    extra: { user: "ada" },
  },
];
