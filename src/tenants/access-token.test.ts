import { expect, test } from "bun:test";
import { hashToken, isWellFormed, maskToken, newAccessToken } from "./access-token.js";

test("a new token has the published shape and its own checksum", () => {
  for (let i = 0; i < 200; i++) {
    const token = newAccessToken();
    expect(token).toMatch(/^hf_tp[A-Za-z0-9]{34}$/);
    expect(isWellFormed(token)).toBe(true);
  }
});

test("one changed letter breaks the checksum", () => {
  const token = newAccessToken();
  for (let i = 5; i < token.length; i++) {
    const other = token.charAt(i) === "a" ? "b" : "a";
    expect(isWellFormed(token.slice(0, i) + other + token.slice(i + 1))).toBe(false);
  }
});

test("odd characters, wrong lengths and other prefixes are not tokens", () => {
  const token = newAccessToken();
  for (const text of [
    "",
    "hf_tp",
    `${token} `,
    `${token}\n`,
    token.slice(1),
    `é${token}`,
    token.replace("hf_", "sk-"),
  ]) {
    expect(isWellFormed(text)).toBe(false);
  }
});

test("neither the hash nor the mask gives the token away", () => {
  const token = newAccessToken();
  expect(hashToken(token)).not.toContain(token.slice(5, 20));
  expect(maskToken(token)).toBe(`${token.slice(0, 7)}…${token.slice(-4)}`);
});
