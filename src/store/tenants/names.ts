import type { Payer } from "../../tenants/payer.js";
import type { Tx } from "../schema.js";

/** Gives a name to a payer; false when a user or an organization has it. */
export async function takeName(
  tx: Tx,
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
