import { expect, test } from "bun:test";
import { falAi } from "../../providers/fal-ai.js";
import { matchRoute } from "./match.js";

const match = (method: string, path: string) =>
  matchRoute(falAi, { method, path, query: new URLSearchParams() });

test("a model is everything its place in the path holds, and a job is one segment", () => {
  expect(match("POST", "/fal-ai/flux/dev")?.model).toBe("fal-ai/flux/dev");
  expect(match("GET", "/fal-ai/flux/requests/7f0c/status")?.job).toBe("7f0c");
  expect(match("GET", "/fal-ai/flux/requests/7f0c")?.job).toBe("7f0c");
});

test("what is no route of the provider's is none here", () => {
  expect(match("GET", "/fal-ai/flux/dev")).toBeUndefined();
  expect(match("DELETE", "/fal-ai/flux/requests/7f0c")).toBeUndefined();
  expect(match("POST", "/fal-ai/../admin")).toBeUndefined();
  expect(match("POST", "/../keys")).toBeUndefined();
  expect(match("POST", "/")).toBeUndefined();
});
