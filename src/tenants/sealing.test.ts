import { expect, test } from "bun:test";
import { parseMasterKey, seal, unseal } from "./sealing.js";

const key = Buffer.alloc(32, 7);

test("a sealed key opens under the same key and context only", () => {
  const sealed = seal("sk-secret", "user-1/together", key);
  expect(unseal(sealed, "user-1/together", key)).toBe("sk-secret");
  expect(() => unseal(sealed, "user-2/together", key)).toThrow();
  expect(() => unseal(sealed, "user-1/together", Buffer.alloc(32, 8))).toThrow();
});

test("one flipped bit is noticed", () => {
  const bytes = Buffer.from(seal("sk-secret", "c", key), "base64url");
  for (let i = 0; i < bytes.length; i++) {
    const altered = Buffer.from(bytes);
    altered.writeUInt8(altered.readUInt8(i) ^ 1, i);
    expect(() => unseal(altered.toString("base64url"), "c", key)).toThrow();
  }
});

test("sealing twice gives different text", () => {
  expect(seal("same", "c", key)).not.toBe(seal("same", "c", key));
});

test("a master key is 64 hex characters", () => {
  expect(parseMasterKey("ab".repeat(32))?.length).toBe(32);
  for (const text of ["", "ab".repeat(31), "zz".repeat(32), ` ${"ab".repeat(32)}`]) {
    expect(parseMasterKey(text)).toBeUndefined();
  }
});
