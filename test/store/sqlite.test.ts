import { storeContract } from "./contract.js";
import { sqliteEngine } from "./engines.js";

storeContract(sqliteEngine());
