import { expect, test } from "bun:test";
import { parsePublicKey, printPublicKey, receiptKey } from "./receipt-key.js";
import { checkReceipt, signReceipt } from "./signed-receipt.js";

const key = receiptKey(Buffer.alloc(32, 7));
const signed = signReceipt(
  {
    inference_id: "0190-a",
    cost_nano_usd: "1620",
    attempts: [{ provider: "größe", result: "200" }],
  },
  key,
);
const text = JSON.stringify(signed);

test("all who have the same master key sign alike, and nobody else does", () => {
  expect(receiptKey(Buffer.alloc(32, 7)).id).toBe(key.id);
  expect(receiptKey(Buffer.alloc(32, 8)).id).not.toBe(key.id);
  expect(signReceipt(signed.receipt, receiptKey(Buffer.alloc(32, 7)))).toEqual(signed);
});

test("a receipt is genuine under the published key, however it is laid out", () => {
  const published = parsePublicKey(JSON.stringify(printPublicKey(key)));
  const pem = parsePublicKey(printPublicKey(key).public_key);
  if (!published || !pem) throw new Error("the published key cannot be read");
  expect(checkReceipt(text, published)).toMatchObject({ ok: true });
  expect(checkReceipt(JSON.stringify(signed, null, 2), pem)).toMatchObject({ ok: true });
  const turned = JSON.stringify({ signature: signed.signature, receipt: signed.receipt });
  expect(checkReceipt(turned, published)).toMatchObject({ ok: true });
});

test("one changed byte anywhere is refused", () => {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at++) {
    for (const by of [1, 2, 4, 0x20]) {
      const altered = Buffer.from(bytes);
      altered.writeUInt8(altered.readUInt8(at) ^ by, at);
      expect(checkReceipt(altered.toString(), key.publicKey).ok).toBe(false);
    }
  }
});

test("what was changed, signed by another, or no receipt at all is called so", () => {
  const why = (altered: string, under = key.publicKey) => {
    const verdict = checkReceipt(altered, under);
    return verdict.ok ? "genuine" : verdict.why;
  };
  expect(why(text.replace("1620", "1621"))).toBe("changed");
  expect(why(text.replace('"200"', '"200","x":"1"'))).toBe("changed");
  expect(why(text.replace('"cost_nano_usd"', '"__proto__":{},"cost_nano_usd"'))).toBe("changed");
  expect(why(text, receiptKey(Buffer.alloc(32, 8)).publicKey)).toBe("other_key");
  for (const nothing of [
    "",
    "{}",
    "[]",
    "null",
    "hello",
    text.slice(0, -1),
    `{"receipt":${text}}`,
    text.replace('"cost_nano_usd"', '"cost_nano_usd":"1","cost_nano_usd"'),
    text.replace('"result"', '"result":"1","r\\u0065sult"'),
  ]) {
    expect(why(nothing)).toBe("not_a_receipt");
  }
  expect(why(text.replace('"inference_id"', '"inference-id"'))).toBe("not_a_receipt");
  expect(why(text.replace("{", '{"more":1,'))).toBe("not_a_receipt");
  expect(why(`{"receipt":${"[".repeat(300_000)}`)).toBe("not_a_receipt");
  const deep = `{"inference_id":"a","x":${"[".repeat(500)}${"]".repeat(500)}}`;
  expect(
    why(
      JSON.stringify(signed).replace(/"receipt":.*,"signature"/, `"receipt":${deep},"signature"`),
    ),
  ).toBe("not_a_receipt");
});

test("a signature in another spelling of the same bytes is refused", () => {
  const { value } = signed.signature;
  const last = value.charCodeAt(value.length - 1);
  const respelled = value.slice(0, -1) + String.fromCharCode(last + 1);
  expect(Buffer.from(respelled, "base64url").equals(Buffer.from(value, "base64url"))).toBe(true);
  expect(checkReceipt(text.replace(value, respelled), key.publicKey).ok).toBe(false);
});

test("a key of another kind, or none, is no receipt key", () => {
  for (const nothing of ["", "{}", '{"public_key":"x"}', "-----BEGIN PUBLIC KEY-----\nAAAA\n"]) {
    expect(parsePublicKey(nothing)).toBeUndefined();
  }
});
