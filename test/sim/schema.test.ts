import { expect, test } from "bun:test";
import { isObject } from "../../sim/json.js";
import { randomFrom } from "../../sim/random.js";
import { valueFor } from "../../sim/schema.js";

const make = (schema: object, seed = 1) => valueFor(schema, randomFrom(seed));

test("required properties, enums, constants and nested items are honoured", () => {
  const schema = {
    type: "object",
    properties: {
      kind: { const: "order" },
      state: { enum: ["open", "closed"] },
      lines: {
        type: "array",
        minItems: 2,
        items: { type: "object", properties: { amount: { type: "number" } }, required: ["amount"] },
      },
      note: { type: ["null", "string"], minLength: 12, maxLength: 20 },
    },
    required: ["kind", "state", "lines", "extra"],
  };
  for (let seed = 0; seed < 50; seed += 1) {
    const made = make(schema, seed);
    if (!isObject(made)) throw new Error("not an object");
    expect(made.kind).toBe("order");
    expect(["open", "closed"]).toContain(String(made.state));
    if (!Array.isArray(made.lines)) throw new Error("not an array");
    expect(made.lines.length).toBeGreaterThanOrEqual(2);
    expect(isObject(made.lines[0]) && typeof made.lines[0].amount).toBe("number");
    expect(String(made.note).length).toBeWithin(12, 21);
    expect(made).toHaveProperty("extra");
  }
});

test("numbers keep to their bounds", () => {
  for (let seed = 0; seed < 100; seed += 1) {
    expect(make({ type: "integer", minimum: 3, maximum: 5 }, seed)).toBeOneOf([3, 4, 5]);
    expect(make({ type: "integer", exclusiveMinimum: 3, exclusiveMaximum: 5 }, seed)).toBe(4);
    expect(make({ type: "integer", maximum: -1 }, seed)).toBeLessThanOrEqual(-1);
    expect(Number(make({ type: "integer", multipleOf: 5, minimum: 1 }, seed)) % 5).toBe(0);
  }
});

test("references are followed, and a schema that contains itself ends", () => {
  const node = {
    type: "object",
    properties: { next: { $ref: "#/$defs/node" }, value: { type: "string" } },
    required: ["value"],
  };
  const made = make({ $ref: "#/$defs/node", $defs: { node } });
  expect(isObject(made) && typeof made.value).toBe("string");
});

test("allOf is merged, anyOf takes a branch that is not null", () => {
  const made = make({
    allOf: [
      { type: "object", properties: { a: { type: "boolean" } }, required: ["a"] },
      { properties: { b: { anyOf: [{ type: "null" }, { type: "integer" }] } }, required: ["b"] },
    ],
  });
  expect(isObject(made) && typeof made.a).toBe("boolean");
  expect(isObject(made) && Number.isInteger(made.b)).toBe(true);
});
