import { storeContract } from "./contract.js";
import { sqliteEngine } from "./engines.js";
import { lateCostContract } from "./late-costs.js";

const engine = sqliteEngine();
lateCostContract(engine);
storeContract(engine);
