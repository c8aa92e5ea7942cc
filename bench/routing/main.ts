/** `npm run bench -- routing`: what choosing a provider and keeping limits costs, and what is remembered of one. */
import { join } from "node:path";
import { benchParts, type Line, type Sum } from "../measure/parts.js";
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
  breakers: { what: "breakers and statistics in a whole request", unit: "µs", isFree: true },
  limits: {
    what: "limits of all three kinds, far from reached, in a request on the wire",
    unit: "µs",
    isFree: true,
  },
  garbage: { what: "what these limits leave to be collected", unit: "cells", isFree: true },
  spine: { what: "a request of the spine bench, all threads", unit: "µs", isFree: true },
};

const SHARE_PERCENT_MAX = 3;

/** Breakers and limits are differences of large numbers; where one is less than nothing, it costs nothing that shows. */
const TOGETHER: Sum = {
  what: "routing, breakers, statistics and limits, of that request",
  ...{ unit: "%", bar: SHARE_PERCENT_MAX, isAtMost: true },
  of: (median) => {
    const added =
      median("single") + Math.max(0, median("breakers")) + Math.max(0, median("limits"));
    return (100 * added) / median("spine");
  },
};

/** Returns the exit code: 1 when a bar is missed. */
export const benchRouting = (options: Options): Promise<number> =>
  benchParts(options, {
    ...{ name: "routing", title: "routing", lines: LINES, sums: [TOGETHER] },
    script: join(import.meta.dir, "parts.ts"),
  });
