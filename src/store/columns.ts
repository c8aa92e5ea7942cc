/**
 * Columns of whole numbers. Each is a bigint on the way out, because money does not fit a double; the functions of
 * this folder turn times and counts into numbers.
 */
import type { ColumnType } from "kysely";

export type Whole = ColumnType<bigint, bigint | number, bigint | number>;
/** Filled in by the database where nothing is said. */
export type PresetWhole = ColumnType<bigint, bigint | number | undefined, bigint | number>;
export type MaybeWhole = ColumnType<bigint | null, bigint | number | null, bigint | number | null>;
/** Null where nothing is said. */
export type OptionalWhole = ColumnType<
  bigint | null,
  bigint | number | null | undefined,
  bigint | number | null
>;
/** Null when its row is made; set later. */
export type LaterWhole = ColumnType<bigint | null, undefined, bigint | number | null>;
