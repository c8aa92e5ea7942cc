import { expect, test } from "bun:test";
import { csv } from "./csv.js";

test("cells are quoted where they must be, and numbers stay what they are", () => {
  const rows = [["a,b", 'say "hi"', "two\nlines", -5n, true]];
  expect(csv(["w", "x", "y", "z", "own"], rows)).toBe(
    'w,x,y,z,own\r\n"a,b","say ""hi""","two\nlines",-5,true\r\n',
  );
});

test("an amount below zero stays a number", () => {
  expect(csv(["usd"], [["-0.000011101"], ["-2"]])).toBe("usd\r\n-0.000011101\r\n-2\r\n");
});

test("no text is taken for a formula", () => {
  const formulas = ["=1+1", "+1", "-1+1", "-a", "@a", "\tx"].map((text) => [text]);
  expect(csv(["name"], formulas)).toBe("name\r\n'=1+1\r\n'+1\r\n'-1+1\r\n'-a\r\n'@a\r\n'\tx\r\n");
});
