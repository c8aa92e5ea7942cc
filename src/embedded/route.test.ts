import { expect, test } from "bun:test";
import { parseRoute } from "./route.js";

test("every route of hf-inference is known, with models of one and of two names", () => {
  const routes = [
    ["/models/gpt2", ["gpt2", "task", undefined]],
    ["/models/org/name", ["org/name", "task", undefined]],
    ["/models/org/name/pipeline/feature-extraction", ["org/name", "task", "feature-extraction"]],
    ["/pipeline/feature-extraction/org/name", ["org/name", "task", "feature-extraction"]],
    ["/models/org/name/v1/chat/completions", ["org/name", "chat", undefined]],
    ["/models/org/name/v1/completions", ["org/name", "completions", undefined]],
  ] as const;
  for (const [path, [modelId, form, task]] of routes) {
    expect(parseRoute(path)).toEqual({ modelId, form, task });
  }
});

test("other paths and unknown tasks are none", () => {
  for (const path of [
    "/",
    "/models",
    "/models/a/b/c",
    "/models/a/b/pipeline/dance",
    "/models/a b",
  ]) {
    expect(parseRoute(path)).toBeUndefined();
  }
});
