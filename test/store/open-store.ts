/** Opens a store at a given moment, so that many processes do it at once: place, milliseconds UTC. */
import { openStore } from "../../src/store/open.js";

const [place = "", at = "0"] = process.argv.slice(2);
await Bun.sleep(Math.max(0, Number(at) - Date.now()));
const database = await openStore(place);
await database.db.selectFrom("accounts").selectAll().execute();
await database.close();
