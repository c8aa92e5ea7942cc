/** Providers that a user does not want asked. */
import type { Tx } from "../schema.js";
import { addColumn } from "./tables.js";

export async function ownDisabledProviders(tx: Tx): Promise<void> {
  await addColumn(tx, "users", "disabled_providers", "text", "");
}
