import { expect, test } from "bun:test";
import type { Mapping, Price } from "../catalog/model.js";
import { type PricePerMillion, parsePricePerMillion } from "../kernel/money.js";
import type { RouteControls } from "../tasks/chat-completion.js";
import { constraintFault } from "./constraints.js";

const NONE: RouteControls = {
  ...{ order: undefined, only: undefined, ignore: [], sort: undefined, allowFallbacks: true },
  ...{ requireParameters: false, maxPrice: undefined, deniesDataCollection: false },
  allowContinuation: undefined,
};

const usd = (text: string): PricePerMillion => {
  const price = parsePricePerMillion(text);
  if (price === undefined) throw new Error(text);
  return price;
};

const offer = (facts: Partial<Mapping> = {}): Mapping => ({
  ...{ modelId: "org/model", task: "conversational", provider: "acme", providerModel: "m" },
  ...{ status: "live", price: undefined, isFree: false, source: "a test", ...facts },
});

const asked = { retainsPrompts: undefined, isCharged: true };

test("who is not known to keep nothing counts as keeping it, and the mapping's own word is the last", () => {
  const deny = { ...NONE, deniesDataCollection: true };
  const fault = (ofProvider?: boolean, ofMapping?: boolean) =>
    constraintFault(deny, {
      ...asked,
      mapping: offer(ofMapping === undefined ? {} : { retainsPrompts: ofMapping }),
      retainsPrompts: ofProvider,
    });
  expect(fault()).toContain("not known");
  expect(fault(false)).toBeUndefined();
  expect(fault(true)).toContain("keeps prompts");
  expect(fault(true, false)).toBeUndefined();
  expect(fault(false, true)).toContain("keeps prompts");
  expect(constraintFault(NONE, { ...asked, mapping: offer() })).toBeUndefined();
});

test("an offer may cost as much as the bound, and not a nano-dollar more", () => {
  const table: readonly [Price, boolean][] = [
    [{ input: usd("1"), output: usd("2") }, true],
    [{ input: usd("1.000000001"), output: usd("2") }, false],
    [{ input: usd("1"), output: usd("2.000000001") }, false],
    [{ input: usd("1") }, true],
    [{ input: usd("0.1"), image: usd("9") }, true],
    [{ compute_second: usd("0.1") }, false],
    [{ input: usd("0.1"), audio_minute: usd("0.1") }, false],
  ];
  const controls = { ...NONE, maxPrice: { prompt: usd("1"), completion: usd("2") } };
  for (const [price, isCheapEnough] of table) {
    const fault = constraintFault(controls, { ...asked, mapping: offer({ price }) });
    expect({ price, isCheapEnough: fault === undefined }).toEqual({ price, isCheapEnough });
  }
});

test("what the caller is not charged for is not too dear", () => {
  const controls = { ...NONE, maxPrice: { prompt: usd("0.1") } };
  const mapping = offer({ price: { input: usd("5"), output: usd("5") } });
  expect(constraintFault(controls, { ...asked, mapping, isCharged: false })).toBeUndefined();
  expect(constraintFault(controls, { ...asked, mapping })).toBe(
    "input costs $5.00, more than max_price.prompt",
  );
});
