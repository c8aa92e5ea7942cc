import { expect, test } from "bun:test";
import type { Mapping } from "./model.js";
import {
  isDue,
  nextLookAt,
  recorded,
  subjectOf,
  type Validation,
  withValidation,
} from "./validation.js";
import { Validations } from "./validations.js";

const mapping: Mapping = {
  ...{ modelId: "org/model", task: "conversational", provider: "acme", providerModel: "m" },
  ...{ status: "live", price: undefined, isFree: true, source: "test" },
};

const known = (more: Partial<Validation> = {}): Validation => ({
  ...{ provider: "acme", modelId: "org/model", task: "conversational" },
  ...{ subject: subjectOf(mapping), verdict: "passed", checkedAt: 0, nextAt: 100 },
  ...{ firstTokenMs: 5, throughput: 6, tools: true, structuredOutput: false, checks: [] },
  ...more,
});

test("a mapping is due when nobody looked, when it changed, and when its time has come", () => {
  expect(isDue(mapping, undefined, 0)).toBe(true);
  expect([99, 100].map((now) => isDue(mapping, known(), now))).toEqual([false, true]);
  expect(isDue({ ...mapping, status: "staging" }, known(), 0)).toBe(true);
  expect(isDue({ ...mapping, providerModel: "n" }, known(), 0)).toBe(true);
  expect(isDue({ ...mapping, isFree: false }, known(), 0)).toBe(false);
});

test("what began together does not stay together, by a tenth either way", () => {
  const every = { everyMs: 1_000, failingEveryMs: 100 };
  expect([0, 0.5, 1].map((roll) => nextLookAt("passed", every, 7, roll))).toEqual([
    907, 1007, 1107,
  ]);
  for (const verdict of ["failed", "unknown"] as const) {
    expect(nextLookAt(verdict, every, 0, 0.5)).toBe(100);
  }
});

test("where nothing was found out, what was known of the same mapping holds", () => {
  const checks = [{ name: "chat", verdict: "skipped", why: "busy" } as const];
  const nothing = { ...known(), verdict: "unknown", tools: undefined, checks } as const;
  expect(recorded(nothing, known(), subjectOf(mapping))).toMatchObject({
    ...{ verdict: "passed", tools: true, checks },
  });
  expect(recorded(nothing, known(), "another").verdict).toBe("unknown");
  expect(recorded(nothing, undefined, subjectOf(mapping)).verdict).toBe("unknown");
});

test("what was found is laid over a mapping, but not over what the file says of it", () => {
  expect(withValidation(mapping, known(), false)).toEqual({
    ...{ ...mapping, supportsTools: true, supportsStructuredOutput: false },
  });
  const stated = { ...mapping, supportsTools: false };
  expect(withValidation(stated, known(), true)).toMatchObject({ supportsTools: false });
  expect(withValidation(stated, known(), false)).toMatchObject({ supportsTools: true });
  expect(withValidation(mapping, known({ verdict: "failed" }), true).status).toBe("error");
  expect(withValidation(mapping, known({ verdict: "unknown" }), false).status).toBe("live");
  expect(withValidation(mapping, known({ subject: "other", verdict: "failed" }), false)).toBe(
    mapping,
  );
  const staged = { ...mapping, status: "staging" } as const;
  const failed = known({ subject: subjectOf(staged), verdict: "failed" });
  expect(withValidation(staged, failed, false).status).toBe("staging");
});

test("a mapping stays the same object as long as nothing about it changes", () => {
  const validations = new Validations();
  expect(validations.over(mapping, false)).toBe(mapping);
  validations.take(known());
  const first = validations.over(mapping, false);
  expect(validations.over(mapping, false)).toBe(first);
  validations.take(known({ checkedAt: 50, nextAt: 500 }));
  expect(validations.over(mapping, false)).toBe(first);
  expect(validations.stated(first)).toBe(mapping);
  validations.take(known({ verdict: "failed" }));
  expect(validations.over(mapping, false)).toBe(first);
  validations.take(known({ verdict: "failed", checkedAt: 60 }));
  const second = validations.over(mapping, false);
  expect([second.status, validations.stated(second)]).toEqual(["error", mapping]);
});
