import { postgres } from "../support/postgres.js";
import { storeContract } from "./contract.js";

storeContract({
  name: "Postgres",
  start: postgres,
  freshPlace: async () => (await postgres()).freshDatabase(),
  clean: () => {},
});
