import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeContract } from "./contract.js";

const folder = mkdtempSync(join(tmpdir(), "turnpike-test-"));
let files = 0;

storeContract({
  name: "SQLite",
  freshPlace: async () => join(folder, `${++files}.sqlite`),
  clean: () => rmSync(folder, { recursive: true }),
});
