import { booksContract } from "./books.js";
import { claimContract } from "./claims.js";
import { storeContract } from "./contract.js";
import { sqliteEngine } from "./engines.js";
import { lateCostContract } from "./late-costs.js";

const engine = sqliteEngine();

claimContract(engine);
lateCostContract(engine);
booksContract(engine);
storeContract(engine);
