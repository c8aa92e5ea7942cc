/** One request with everything that its receipt tells. */
import type { Selectable } from "kysely";
import type { ReceiptDetails } from "../../ledger/receipt.js";
import type { Database } from "../database.js";
import { adjustmentsOf, chargesOf, type Move } from "../ledger/request-transfers.js";
import type { Schema } from "../schema.js";
import { type RequestRow, toRequestRow } from "./usage.js";

export type RequestRecord = RequestRow & {
  readonly userId: string;
  readonly tokenId: string;
  readonly payer: string;
  readonly groupId: string;
  readonly task: string;
  readonly isStream: boolean;
  readonly firstByteMs: number | undefined;
  readonly tags: readonly string[];
  /** By turns units and prices, in nano-USD per million. Undefined where nobody noted it. */
  readonly price: readonly string[] | undefined;
  /** Undefined where its process died before it could note them. */
  readonly details: ReceiptDetails | undefined;
  readonly charges: readonly Move[];
  readonly adjustments: readonly Move[];
};

/** What the store knows of single requests, for their receipts. */
export const receiptReader = ({ db }: Database) => ({
  /** Undefined when there is no such request: it is under way, was never there, or is not kept any more. */
  request: async (id: string): Promise<RequestRecord | undefined> => {
    const row = await db
      .selectFrom("requests")
      .leftJoin("late_costs", "late_costs.request", "requests.id")
      .selectAll("requests")
      .select("late_costs.state as late_state")
      .where("requests.id", "=", id)
      .executeTakeFirst();
    if (!row) return undefined;
    return {
      ...toRequestRow(row),
      ...whoAndHow(row),
      charges: await chargesOf(db, id),
      adjustments: await adjustmentsOf(db, id),
    };
  },
});

const whoAndHow = (row: Selectable<Schema["requests"]>) => ({
  userId: row.user_id,
  tokenId: row.token_id,
  payer: row.payer,
  groupId: row.group_id,
  task: row.task,
  isStream: row.stream === 1n,
  firstByteMs: row.first_byte_ms === null ? undefined : Number(row.first_byte_ms),
  tags: row.tags?.split(",") ?? [],
  price: row.price === null ? undefined : (JSON.parse(row.price) as string[]),
  details: row.details === null ? undefined : (JSON.parse(row.details) as ReceiptDetails),
});
