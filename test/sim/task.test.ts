import { describe, expect, test } from "bun:test";
import { costOfUnits } from "../../sim/units.js";

describe("the cost of units", () => {
  test("each unit by itself", () => {
    const cases = [
      [{ promptTokens: 3 }, { input: "0.02" }, 60n],
      [{ completionTokens: 2 }, { output: "1" }, 2000n],
      [{ images: 2 }, { image: "0.025" }, 50_000_000n],
      [{ pixels: 262_144 }, { megapixel: "0.003" }, 786_432n],
      [{ steps: 4 }, { step: "0.0001" }, 400_000n],
      [{ videoSeconds: 1.5 }, { video_second: "0.1" }, 150_000_000n],
      [{ audioSeconds: 0.5 }, { audio_second: "0.001" }, 500_000n],
      [{ audioSeconds: 90 }, { audio_minute: "0.006" }, 9_000_000n],
      [{ characters: 11 }, { million_characters: "15" }, 165_000n],
      [{}, { request: "0.01" }, 10_000_000n],
      [{ computeSeconds: 2.25 }, { compute_second: "0.000975", hardware: "gpu" }, 2_193_750n],
    ] as const;
    for (const [units, price, cost] of cases) expect(costOfUnits(units, price)).toBe(cost);
  });

  test("lines are summed first and rounded up once", () => {
    expect(
      costOfUnits({ promptTokens: 1, completionTokens: 1 }, { input: "0.0004", output: "0.0004" }),
    ).toBe(1n);
    expect(costOfUnits({}, { input: "1" })).toBe(0n);
  });
});
