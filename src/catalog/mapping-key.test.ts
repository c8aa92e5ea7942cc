import { expect, test } from "bun:test";
import { mappingIdIn, mappingKey } from "./mapping-key.js";

test("a key is read as it was written", () => {
  const id = { provider: "acme", task: "conversational", modelId: "org/model" } as const;
  expect(mappingIdIn(mappingKey(id))).toEqual(id);
  expect(mappingIdIn("acme")).toBeUndefined();
});
