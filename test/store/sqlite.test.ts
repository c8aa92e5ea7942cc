import { join } from "node:path";
import { tempFolder } from "../support/app.js";
import { storeContract } from "./contract.js";

const folder = tempFolder();
let files = 0;

storeContract({
  name: "SQLite",
  freshPlace: async () => join(folder.path, `${++files}.sqlite`),
  clean: folder.remove,
});
