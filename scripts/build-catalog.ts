/**
 * Makes src/catalog/starter.json from the prices bundled in @pydantic/genai-prices and from the
 * hand-kept src/catalog/starter-extra.json. Offline and deterministic: no clock, no network.
 *
 *   bun scripts/build-catalog.ts            write the file
 *   bun scripts/build-catalog.ts --report   write nothing; say what is in it, what was left out, why
 *   bun scripts/build-catalog.ts --check    write nothing; exit 1 when the file differs
 */
import { readFileSync, writeFileSync } from "node:fs";
import { LIBRARY } from "./starter/library.js";
import { rowsFromLibrary } from "./starter/rows.js";
import {
  type Catalog,
  compare,
  type Extra,
  FACTS,
  type LeftOut,
  type Offer,
  type Row,
} from "./starter/shapes.js";

export const STARTER_FILE = new URL("../src/catalog/starter.json", import.meta.url);
const EXTRA_FILE = new URL("../src/catalog/starter-extra.json", import.meta.url);
const LIBRARY_PACKAGE = new URL(
  "../node_modules/@pydantic/genai-prices/package.json",
  import.meta.url,
);

/** Later rows replace earlier ones of the same model and provider. */
function catalogOf(rows: readonly Row[], extra: Extra): Catalog {
  const models = new Map<string, Map<string, Offer>>();
  for (const { hubId, offer } of rows) {
    const offers = models.get(hubId) ?? new Map<string, Offer>();
    models.set(hubId, offers.set(offer.provider, withFacts(offer, extra)));
  }
  return {
    read: [LIBRARY.read, extra.read].toSorted(compare).at(-1) ?? LIBRARY.read,
    source: `${LIBRARY.name} ${LIBRARY.version} and starter-extra.json, by scripts/build-catalog.ts`,
    models: [...models.entries()]
      .toSorted(([a], [b]) => compare(a, b))
      .map(([id, offers]) => ({
        id,
        task: "conversational",
        providers: [...offers.values()].toSorted((a, b) => compare(a.provider, b.provider)),
      })),
  };
}

function withFacts(offer: Offer, extra: Extra): Offer {
  const { provider, provider_model, status, price, source, read, ...own } = offer;
  const known = { ...extra.facts[provider]?.[provider_model], ...own };
  const facts = Object.fromEntries(
    FACTS.flatMap((name) => (known[name] === undefined ? [] : [[name, known[name]]])),
  );
  const isFree = Object.values(price).every((each) => Number(each) === 0);
  const free = isFree ? ({ is_free: true } as const) : {};
  return { provider, provider_model, status, ...facts, price, ...free, source, read };
}

/** One line an offer, so a change of price is a change of one line. */
function printed(catalog: Catalog): string {
  const models = catalog.models.map((model) => {
    const offers = model.providers.map((offer) => `      ${JSON.stringify(offer)}`).join(",\n");
    const head = `"id": ${JSON.stringify(model.id)}, "task": ${JSON.stringify(model.task)}`;
    return `    { ${head}, "providers": [\n${offers}\n    ] }`;
  });
  const head = `  "read": "${catalog.read}",\n  "source": ${JSON.stringify(catalog.source)},`;
  return `{\n${head}\n  "models": [\n${models.join(",\n")}\n  ]\n}\n`;
}

/** Reads the library and the hand-kept file; `text` is what the starter file should hold. */
export function buildStarter(): { text: string; catalog: Catalog; leftOut: readonly LeftOut[] } {
  const installed = JSON.parse(readFileSync(LIBRARY_PACKAGE, "utf8")) as { version: string };
  if (installed.version !== LIBRARY.version) {
    throw new Error(
      `genai-prices ${installed.version} is installed: update LIBRARY and its release day`,
    );
  }
  const extra = JSON.parse(readFileSync(EXTRA_FILE, "utf8")) as Extra;
  const { rows, leftOut } = rowsFromLibrary(extra);
  const handKept = extra.models.flatMap((model) =>
    model.providers.map((offer) => ({ hubId: model.id, offer })),
  );
  const catalog = catalogOf([...rows, ...handKept], extra);
  return { text: printed(catalog), catalog, leftOut };
}

function report(catalog: Catalog, leftOut: readonly LeftOut[]): string {
  const offers = catalog.models.flatMap((model) => model.providers);
  const providers = [...new Set([...offers, ...leftOut].map((entry) => entry.provider))];
  const counts = providers.toSorted(compare).map((provider) => {
    const inside = offers.filter((offer) => offer.provider === provider).length;
    const outside = leftOut.filter((entry) => entry.provider === provider).length;
    return `${provider}: ${inside} in the catalog, ${outside} left out`;
  });
  const reasons = leftOut
    .map((entry) => `${entry.provider}  ${entry.model}: ${entry.why}`)
    .toSorted(compare);
  const total = `${catalog.models.length} models, ${offers.length} offers`;
  return [total, ...counts, "", "left out:", ...reasons].join("\n");
}

function main(flags: readonly string[]): number {
  const { text, catalog, leftOut } = buildStarter();
  if (flags.includes("--report")) console.log(report(catalog, leftOut));
  if (flags.includes("--check")) {
    if (readFileSync(STARTER_FILE, "utf8") === text) return 0;
    console.error("src/catalog/starter.json is out of step: run scripts/build-catalog.ts");
    return 1;
  }
  if (!flags.includes("--report")) writeFileSync(STARTER_FILE, text);
  return 0;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
