import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimContract } from "./claims.js";
import { type Engine, storeContract } from "./contract.js";
import { lateCostContract } from "./late-costs.js";

const folder = mkdtempSync(join(tmpdir(), "turnpike-test-"));
let files = 0;

const engine: Engine = {
  name: "SQLite",
  freshPlace: async () => join(folder, `${++files}.sqlite`),
  clean: () => rmSync(folder, { recursive: true }),
};

claimContract(engine);
lateCostContract(engine);
storeContract(engine);
