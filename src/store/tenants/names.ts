import type { Transaction } from "kysely";
import type { Payer } from "../../tenants/payer.js";
import type { Schema } from "../schema.js";

/** Gives a name to a payer; false when a user or an organization has it. */
export async function takeName(
  tx: Transaction<Schema>,
  { name, kind }: Pick<Payer, "name" | "kind">,
): Promise<boolean> {
  const taken = await tx
    .insertInto("names")
    .values({ name, kind })
    .onConflict((conflict) => conflict.doNothing())
    .returning("name")
    .execute();
  return taken.length > 0;
}
