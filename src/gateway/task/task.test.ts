import { expect, test } from "bun:test";
import type { Mapping } from "../../catalog/model.js";
import { openai } from "../../providers/openai.js";
import type { TaskInput } from "../../tasks/task-call.js";
import { noUsage } from "../../tasks/usage.js";
import { taskWish } from "./task.js";
import type { RoutedTask } from "./task-request.js";

const mapping: Mapping = {
  ...{ modelId: "org/model", task: "image-to-image", provider: "openai", providerModel: "m" },
  ...{ status: "live", price: undefined, isFree: true, source: "a test" },
};

const callWith = (parameters: TaskInput["parameters"]) => {
  const media = { bytes: new Uint8Array([1]), type: "image/png" };
  const input: TaskInput = { inputs: undefined, media, parameters, extra: {} };
  const request = { tasks: ["image-to-image"], input, expected: noUsage };
  return { request } as unknown as RoutedTask;
};

test("what an adapter would refuse is known before anybody is asked", () => {
  expect(taskWish.unmet(callWith({ prompt: "red" }), openai, mapping)).toBeUndefined();
  expect(taskWish.unmet(callWith({}), openai, mapping)).toContain("would refuse the request");
});
