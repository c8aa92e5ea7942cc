import { auditContract } from "./audit.js";
import { booksContract } from "./books.js";
import { claimContract } from "./claims.js";
import { storeContract } from "./contract.js";
import { sqliteEngine } from "./engines.js";
import { lateCostContract } from "./late-costs.js";
import { leaseContract } from "./leases.js";
import { settlementContract } from "./settlements.js";

const engine = sqliteEngine();

claimContract(engine);
lateCostContract(engine);
booksContract(engine);
leaseContract(engine);
settlementContract(engine);
auditContract(engine);
storeContract(engine);
