import { expect, test } from "bun:test";
import type { Throughput } from "./measure/throughput.js";
import { report, table } from "./report.js";
import { judge, medianRatio, type Results, type Run } from "./results.js";
import type { VariantName } from "./variants/variant.js";

const run = (variant: VariantName, round: number, value: Partial<Throughput>): Run<Throughput> => ({
  variant,
  round,
  value: {
    requestsPerSecond: 1,
    p50Us: 1,
    p99Us: 1,
    proxyCore: 1,
    upstreamCore: 0.1,
    generatorCore: 0.1,
    stolen: 0,
    ...value,
  },
});

const results: Results = {
  throughput: [
    run("nginx", 0, { requestsPerSecond: 1000 }),
    run("turnpike", 0, { requestsPerSecond: 400 }),
    run("turnpike", 1, { requestsPerSecond: 900 }),
    run("nginx", 1, { requestsPerSecond: 3000, proxyCore: 0.5 }),
  ],
  latency: [run("direct", 0, { p50Us: 20 }), run("turnpike", 0, { p50Us: 170.5 })],
  streams: [],
  notes: ["audit balanced"],
  failures: [],
};

test("a ratio is taken within each round, so a machine that speeds up changes nothing", () => {
  const read = (value: Throughput) => value.requestsPerSecond;
  expect(medianRatio(results.throughput, { of: "turnpike", to: "nginx", read })).toBeCloseTo(0.35);
});

test("a bar is missed by any excess, and open where there is nothing to compare with", () => {
  const met = judge(results).map((bar) => [bar.measured, bar.isMet]);
  expect(met[0]?.[1]).toBe(true);
  expect(met[1]).toEqual([Number.NaN, undefined]);
  expect(met[2]).toEqual([150.5, false]);
  for (const bar of [met[3], met[4]]) expect(bar).toEqual([Number.NaN, undefined]);
});

test("a report names commit and machine, and warns where the proxy's core was not full", () => {
  const text = report(
    {
      date: "2026-01-02",
      machine: {
        commit: "abc1234",
        cpu: "A processor",
        cores: 2,
        memoryGb: 8,
        system: "Linux 6",
        versions: "Bun 1",
      },
      pinning: "proxy on core 0",
      isLoadCoreShared: false,
      rounds: 2,
      isQuick: false,
    },
    results,
  );
  expect(text).toContain("commit abc1234");
  expect(text).toContain("A processor, 2 cores");
  expect(text).toContain("nginx: its core was not full");
  expect(text).not.toContain("turnpike: its core");
  expect(text).toContain("MISSED");
  expect(text).not.toContain("NaN");
  expect(text).not.toContain("Streams");
});

test("a table is as wide as its widest cell", () => {
  const text = table(
    ["name", "n"],
    [
      ["a", "1"],
      ["longer", "1,000"],
    ],
  );
  expect(text.split("\n")).toEqual([
    "| name   |     n |",
    "| ------ | ----: |",
    "| a      |     1 |",
    "| longer | 1,000 |",
  ]);
});
