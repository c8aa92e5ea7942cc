import { z } from "zod";
import { AMOUNT_RULE, parseAmount } from "../kernel/money.js";

/** An amount as an operator writes it, in dollars; nano-USD once it is read. */
export const dollars = z.string(`expected ${AMOUNT_RULE}, in quotes`).transform((text, context) => {
  const amount = parseAmount(text);
  if (amount !== undefined) return amount;
  context.addIssue({ code: "custom", message: `expected ${AMOUNT_RULE}; not "${text}"` });
  return z.NEVER;
});
