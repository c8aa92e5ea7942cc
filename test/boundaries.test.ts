/** Imports point down the list of folders, never up and never sideways; and no files import each other in a circle. */
import { expect, test } from "bun:test";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dir, "..");
const SRC = join(ROOT, "src");

/** From the top; folders of one row do not know each other. */
const ROWS: readonly (readonly string[])[] = [
  ["cli"],
  ["app", "drain-thread"],
  ["http"],
  ["gateway", "store", "jobs", "embedded"],
  ["config"],
  ["routing", "metering", "conformance"],
  ["catalog", "providers", "ledger", "tenants", "wire"],
  ["tasks"],
  ["kernel"],
];

/** The dashboard's code runs in a browser and may know only what crosses the wire. */
const WEB_MAY_IMPORT = ["web", "wire", "tasks", "kernel"];

/** `app.ts` and the thread it starts stand beside the folders. */
const folderOf = (file: string): string =>
  (relative(SRC, file).split("/")[0] ?? "").replace(/\.[jt]s$/, "");
const rowOf = (folder: string): number => ROWS.findIndex((row) => row.includes(folder));

async function importsOf(file: string): Promise<string[]> {
  const text = await Bun.file(file).text();
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)/g,
  );
  return [...found].map(([, stated, dynamic]) => stated ?? dynamic ?? "");
}

async function sourceFiles(folder: string): Promise<string[]> {
  const files = await Array.fromAsync(new Bun.Glob("**/*.ts").scan({ cwd: folder }));
  return files.filter((file) => !file.includes("node_modules")).map((file) => join(folder, file));
}

function fault(file: string, target: string): string | undefined {
  const [from, to] = [folderOf(file), folderOf(target)];
  if (from === to) return undefined;
  if (from === "web") return WEB_MAY_IMPORT.includes(to) ? undefined : `web may not import ${to}`;
  if (rowOf(to) < 0) return `${to} is in no row of the layout`;
  return rowOf(to) > rowOf(from) ? undefined : `${from} may not import ${to}`;
}

test("imports in src point down", async () => {
  const faults: string[] = [];
  for (const file of await sourceFiles(SRC)) {
    for (const path of await importsOf(file)) {
      if (!path.startsWith(".")) continue;
      const target = join(dirname(file), path);
      const why = target.startsWith(SRC) ? fault(file, target) : undefined;
      if (why) faults.push(`${relative(ROOT, file)}: ${why} (${path})`);
    }
  }
  expect(faults).toEqual([]);
});

test("the product never imports the simulator, the tests or the bench, nor the simulator the product", async () => {
  const faults: string[] = [];
  for (const file of [...(await sourceFiles(SRC)), ...(await sourceFiles(join(ROOT, "sim")))]) {
    for (const path of await importsOf(file)) {
      if (!path.startsWith(".")) continue;
      const top = relative(ROOT, join(dirname(file), path)).split("/")[0] ?? "";
      const own = relative(ROOT, file).split("/")[0] ?? "";
      if (top !== own && top !== "package.json") faults.push(`${relative(ROOT, file)}: ${path}`);
    }
  }
  expect(faults).toEqual([]);
});

/** The ways round through files that import each other, each as it was first found. */
function circlesIn(targets: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const seen = new Set<string>();
  const follow = (file: string, way: readonly string[]): void => {
    const begin = way.indexOf(file);
    if (begin >= 0) circles.push([...way.slice(begin), file].join(" → "));
    if (seen.has(file)) return;
    seen.add(file);
    for (const target of targets.get(file) ?? []) follow(target, [...way, file]);
  };
  for (const file of targets.keys()) follow(file, []);
  return circles;
}

const nameOf = (file: string): string => relative(ROOT, file).replace(/\.js$/, ".ts");

test.each(["src", "sim", "bench", "scripts", "test"])(
  "no files of %s import each other in a circle",
  async (top) => {
    const targets = new Map<string, readonly string[]>();
    for (const file of await sourceFiles(join(ROOT, top))) {
      const paths = (await importsOf(file)).filter((path) => path.startsWith("."));
      targets.set(
        nameOf(file),
        paths.map((path) => nameOf(join(dirname(file), path))),
      );
    }
    expect(circlesIn(targets)).toEqual([]);
  },
);

test("SQL is spoken in store/ only", async () => {
  const speakers: string[] = [];
  for (const file of await sourceFiles(SRC)) {
    if (folderOf(file) === "store") continue;
    const imports = await importsOf(file);
    if (imports.some((path) => ["kysely", "pg", "bun:sqlite"].includes(path))) speakers.push(file);
  }
  expect(speakers).toEqual([]);
});
