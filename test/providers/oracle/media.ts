/** Pictures, films and sounds. */
import type { OracleRow } from "./row.js";

export const mediaRows: readonly OracleRow[] = [];
