import { expect, test } from "bun:test";
import { sql } from "kysely";
import { openStore } from "../../src/store/open.js";
import { postgres } from "../support/postgres.js";
import { auditContract } from "./audit.js";
import { booksContract } from "./books.js";
import { claimContract } from "./claims.js";
import { storeContract } from "./contract.js";
import { postgresEngine } from "./engines.js";
import { lateCostContract } from "./late-costs.js";
import { leaseContract } from "./leases.js";
import { settlementContract } from "./settlements.js";

const engine = postgresEngine();

claimContract(engine);
lateCostContract(engine);
booksContract(engine);
leaseContract(engine);
settlementContract(engine);
auditContract(engine);
storeContract(engine);

test("a connection that ends in the middle of a transaction fails that transaction and nothing else", async () => {
  const place = await (await postgres()).freshDatabase();
  const database = await openStore(place);
  const other = await openStore(place);
  const cut = database.transact(async (tx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
    await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(other.db);
    await Bun.sleep(100);
    await sql`select 1`.execute(tx);
  });
  await expect(cut).rejects.toThrow();
  expect((await sql`select 1 as one`.execute(database.db)).rows).toEqual([{ one: 1 }]);
  await database.close();
  await other.close();
});

test("whoever stops watching while the connection for it is made is not kept waiting", async () => {
  const database = await openStore(await (await postgres()).freshDatabase());
  for (const pauseMs of [0, 1, 3, 10, 30]) {
    const stop = await database.watch(() => {});
    await Bun.sleep(pauseMs);
    await stop();
  }
  await database.close();
});
