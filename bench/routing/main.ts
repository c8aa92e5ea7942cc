/** `npm run bench -- routing`: what choosing a provider costs, and what is remembered of one. */
import { join } from "node:path";
import { benchParts, type Line } from "../measure/parts.js";
import type { Options } from "../options.js";
import type { PartName } from "./parts.js";

const LINES: Readonly<Record<PartName, Line>> = {
  fastest: { what: "choosing among 20 candidates, fastest", unit: "µs", bar: 5, isAtMost: true },
  cheapest: { what: "the same, cheapest", unit: "µs", bar: 5, isAtMost: true },
  explored: { what: "the same, fastest, exploring", unit: "µs", bar: 5, isAtMost: true },
  route: { what: "checking 20 offers and choosing, fastest", unit: "µs" },
  route_cheapest: { what: "the same, cheapest: with 20 expected costs", unit: "µs" },
  single: { what: "checking the only offer", unit: "µs" },
  update: { what: "breaker and statistics of one answer", unit: "µs" },
  bytes: { what: "statistics of one mapping", unit: "bytes", bar: 1_024, isAtMost: true },
};

/** Returns the exit code: 1 when a bar is missed. */
export const benchRouting = (options: Options): Promise<number> =>
  benchParts(options, {
    ...{ name: "routing", title: "routing", lines: LINES },
    script: join(import.meta.dir, "parts.ts"),
  });
