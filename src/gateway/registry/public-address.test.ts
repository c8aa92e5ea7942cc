import { expect, test } from "bun:test";
import { ForbiddenUrlError, isPublic, publicAddressOf } from "./public-address.js";

test("addresses inside are not public, however they are written", () => {
  for (const inside of [
    "127.0.0.1",
    "10.1.2.3",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "not an address",
  ]) {
    expect([inside, isPublic(inside)]).toEqual([inside, false]);
  }
  for (const outside of ["1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"]) {
    expect([outside, isPublic(outside)]).toEqual([outside, true]);
  }
});

test("a name that leads inside is refused", async () => {
  for (const host of ["localhost", "127.0.0.1", "[::1]", "169.254.169.254"]) {
    await expect(publicAddressOf(host)).rejects.toBeInstanceOf(ForbiddenUrlError);
  }
  expect(await publicAddressOf("8.8.8.8")).toBe("8.8.8.8");
});
