/** Results as the Markdown that is printed and kept. Pure. */
import type { Machine } from "./machine.js";
import { type Bar, judge, medianDifference, medianOf, type Results } from "./results.js";
import { VARIANT_NAMES, type VariantName } from "./variants/variant.js";

export type ReportContext = {
  readonly date: string;
  readonly machine: Machine;
  readonly pinning: string;
  /** Upstream and generator have one core between them. */
  readonly isLoadCoreShared: boolean;
  readonly rounds: number;
  readonly isQuick: boolean;
};

/** A saturated proxy uses nearly all of its core; below this, something else was the limit. */
const saturatedCore = 0.9;

export function report(context: ReportContext, results: Results): string {
  const parts = [
    `## ${context.date}, commit ${context.machine.commit}`,
    describe(context),
    throughputSection(results),
    latencySection(results),
    streamsSection(results),
    barsSection(judge(results)),
    list("Warnings", warnings(context, results)),
    list("Checked", results.notes),
    list("Failed", results.failures),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function describe({ machine, pinning, rounds, isQuick }: ReportContext): string {
  const pace = isQuick ? ", quick: not for figures" : "";
  return (
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}; ` +
    `${machine.versions}. ${pinning}. Medians of ${rounds} round${rounds === 1 ? "" : "s"}${pace}.`
  );
}

function throughputSection({ throughput }: Results): string {
  const rows = present(throughput).map((variant) => {
    const get = (read: (t: (typeof throughput)[number]["value"]) => number) =>
      medianOf(throughput, variant, read);
    return [
      variant,
      whole(get((t) => t.requestsPerSecond)),
      whole(get((t) => t.requestsPerSecond / t.proxyCore)),
      micros(get((t) => t.p50Us)),
      micros(get((t) => t.p99Us)),
      share(get((t) => t.proxyCore)),
      `${share(get((t) => t.upstreamCore))} + ${share(get((t) => t.generatorCore))}`,
    ];
  });
  return section(
    "Throughput: 64 connections",
    ["variant", "req/s", "req per CPU-s", "p50 µs", "p99 µs", "proxy core", "upstream + generator"],
    rows,
  );
}

function latencySection({ latency }: Results): string {
  const rows = present(latency).map((variant) => {
    const added = (percentile: "p50Us" | "p99Us") =>
      medianDifference(latency, { of: variant, to: "direct", read: (t) => t[percentile] });
    return [
      variant,
      micros(medianOf(latency, variant, (t) => t.p50Us)),
      micros(medianOf(latency, variant, (t) => t.p99Us)),
      variant === "direct" ? "" : micros(added("p50Us")),
      variant === "direct" ? "" : micros(added("p99Us")),
    ];
  });
  return section(
    "Latency: 1 connection, everything on one core",
    ["variant", "p50 µs", "p99 µs", "added p50 µs", "added p99 µs"],
    rows,
  );
}

function streamsSection({ streams }: Results): string {
  const count = streams[0]?.value.streams ?? 0;
  const rows = present(streams).map((variant) => {
    const get = (read: (s: (typeof streams)[number]["value"]) => number) =>
      medianOf(streams, variant, read);
    const delay = (read: (s: (typeof streams)[number]["value"]) => number) =>
      medianDifference(streams, { of: variant, to: "direct", read });
    const isDirect = variant === "direct";
    return [
      variant,
      whole(get((s) => s.openPeak)),
      whole(get((s) => s.eventsPerSecond)),
      `${micros(get((s) => s.delayP50Us))} / ${micros(get((s) => s.delayP99Us))}`,
      isDirect
        ? ""
        : `${micros(delay((s) => s.delayP50Us))} / ${micros(delay((s) => s.delayP99Us))}`,
      micros(get((s) => s.firstEventP50Us)),
      isDirect ? "" : megabytes(get((s) => s.idleRssBytes)),
      isDirect ? "" : megabytes(get((s) => s.openRssBytes)),
      isDirect ? "" : megabytes(get((s) => s.afterRssBytes)),
      isDirect ? "" : get((s) => s.kbPerStream).toFixed(1),
      isDirect ? "" : share(get((s) => s.proxyCore)),
      `${share(get((s) => s.upstreamCore))} + ${share(get((s) => s.generatorCore))}`,
    ];
  });
  return section(
    `Streams: ${count} at once, 200 events each, 20 ms apart`,
    [
      "variant",
      "open at once",
      "events/s",
      "event delay p50 / p99 µs",
      "added p50 / p99 µs",
      "first event p50 µs",
      "idle MB",
      "open MB",
      "after MB",
      "KB per stream",
      "proxy core",
      "upstream + generator",
    ],
    rows,
  );
}

function barsSection(bars: readonly Bar[]): string {
  const verdict = { true: "met", false: "MISSED", undefined: "not measured" } as const;
  const rows = bars.map((bar) => [
    bar.name,
    bar.wanted,
    Number.isNaN(bar.measured) ? "" : bar.measured.toFixed(2),
    verdict[`${bar.isMet}`],
  ]);
  return section("Bars", ["Turnpike's", "wanted", "measured", ""], rows);
}

/** Where a figure says more about the bench's own core than about the proxy. */
function warnings(context: ReportContext, { throughput, streams }: Results): readonly string[] {
  const limited = present(throughput).filter((variant) => {
    const core = medianOf(throughput, variant, (t) => t.proxyCore);
    return variant !== "direct" && core < saturatedCore;
  });
  const crowded = present(streams).filter((variant) => {
    const core = medianOf(streams, variant, (s) =>
      context.isLoadCoreShared
        ? s.upstreamCore + s.generatorCore
        : Math.max(s.upstreamCore, s.generatorCore),
    );
    return core > saturatedCore;
  });
  return [
    ...limited.map((variant) => `${variant}: its core was not full, so req/s is a floor`),
    ...crowded.map(
      (variant) => `${variant}: upstream and generator were full; stream delays are theirs`,
    ),
  ];
}

const present = (runs: readonly { readonly variant: VariantName }[]): readonly VariantName[] =>
  VARIANT_NAMES.filter((name) => runs.some(({ variant }) => variant === name));

function section(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return rows.length === 0 ? "" : `### ${title}\n\n${table(head, rows)}`;
}

/** A Markdown table, padded so that it also reads well in a terminal. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, i) =>
    Math.max(...[head, ...rows].map((row) => (row[i] ?? name).length), 3),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => pad(cells[i] ?? "", width, i)).join(" | ")} |`;
  const rule = widths.map((width, i) =>
    i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

const pad = (text: string, width: number, column: number): string =>
  column === 0 ? text.padEnd(width) : text.padStart(width);

const list = (title: string, items: readonly string[]): string =>
  items.length === 0 ? "" : `${title}:\n\n${items.map((item) => `- ${item}`).join("\n")}`;

const known = (value: number, print: (value: number) => string): string =>
  Number.isFinite(value) ? print(value) : "–";
const whole = (value: number) => known(value, (v) => Math.round(v).toLocaleString("en-US"));
const micros = (value: number) =>
  known(value, (v) => (Math.abs(v) < 100 ? v.toFixed(1) : whole(v)));
const megabytes = (bytes: number) => known(bytes, (v) => (v / 1e6).toFixed(1));
const share = (value: number) => known(value, (v) => `${Math.round(v * 100)}%`);
