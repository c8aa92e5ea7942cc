import { expect, test } from "bun:test";
import { z } from "zod";
import { RouterError } from "../kernel/errors.js";
import { checked } from "./checked.js";

const schema = z
  .strictObject({
    seats: z.int().min(1).max(10).optional(),
    name: z.string().min(2).max(5).optional(),
    role: z.enum(["member", "admin"]).optional(),
    budget: z.strictObject({ amount: z.string("must be dollars") }).optional(),
    groups: z.array(z.string()).min(1).optional(),
    user: z.string(),
  })
  .refine(({ user }) => user !== "nobody", "name somebody");

function refusalOf(value: unknown): { readonly message: string; readonly param: unknown } {
  try {
    checked(schema, value);
  } catch (thrown) {
    if (thrown instanceof RouterError) {
      return { message: thrown.message, param: thrown.detail.param };
    }
  }
  throw new Error("it was not refused");
}

test("a mistake is told in words, with the field and what it may be", () => {
  const user = "ada";
  const table: readonly [unknown, string, string][] = [
    [{}, "user", '"user": is missing; it must be text'],
    [{ user: 5 }, "user", '"user": must be text'],
    [{ user, seats: 0 }, "seats", '"seats": must be 1 or more'],
    [{ user, seats: 11 }, "seats", '"seats": must be 10 at most'],
    [{ user, seats: 1.5 }, "seats", '"seats": must be a whole number'],
    [{ user, seats: "5" }, "seats", '"seats": must be a number'],
    [{ user, name: "x" }, "name", '"name": must have 2 characters or more'],
    [{ user, name: "abcdef" }, "name", '"name": must have 5 characters at most'],
    [{ user, groups: [] }, "groups", '"groups": must have 1 entry or more'],
    [{ user, role: "king" }, "role", '"role": must be one of member, admin'],
    [{ user, budget: { amount: 5 } }, "budget.amount", '"budget.amount": must be dollars'],
    [{ user, budget: { amount: "5", per: 1 } }, "budget.per", "no field here; there are amount"],
    [{ user, seat: 5 }, "seat", '"seat": is no field here; there are seats, name, role'],
  ];
  for (const [value, param, says] of table) {
    const refusal = refusalOf(value);
    expect({ value, param: refusal.param }).toEqual({ value, param });
    expect(refusal.message).toContain(says);
  }
});

test("a body that is wrong as a whole is told so, without a field", () => {
  const none = { param: undefined };
  expect(refusalOf([])).toEqual({ ...none, message: "The body must be an object" });
  expect(refusalOf({ user: "nobody" })).toEqual({ ...none, message: "name somebody" });
});
