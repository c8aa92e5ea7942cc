/** docs/embedded.md says of the models and limits what the code says. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { ONNX_TASKS } from "../../src/embedded/add-onnx.js";
import { embeddedLimits } from "../../src/embedded/limits.js";
import { BUILT_IN_MODELS } from "../../src/embedded/models.js";

const document = await Bun.file(join(import.meta.dir, "../../docs/embedded.md")).text();

test("every built-in model is named, with its tasks and its licence", () => {
  const lines = document.split("\n");
  for (const { id, tasks, licence } of BUILT_IN_MODELS) {
    const line = lines.find((each) => each.startsWith(`| \`${id}\``));
    expect([id, line]).toEqual([id, expect.stringContaining(tasks.join(", "))]);
    expect([id, line]).toEqual([id, expect.stringContaining(`| ${licence} `)]);
  }
});

test("every task of an ONNX model is named, and every limit is the code's", () => {
  const text = document.replace(/\s+/g, " ");
  expect(ONNX_TASKS.filter((task) => !text.includes(task))).toEqual([]);
  const { bodyBytesMax, waitingMax, waitingBytesMax, engineBytesMax, idleMs, answerMs } =
    embeddedLimits;
  const mebibyte = 1024 ** 2;
  expect(text).toContain(`a body above ${bodyBytesMax / mebibyte} MiB`);
  expect(text).toContain(
    `${waitingMax} requests wait for this engine already, or ${waitingBytesMax / mebibyte} MiB`,
  );
  expect(text).toContain(`more than ${engineBytesMax / mebibyte / 1024} GiB`);
  expect([idleMs, answerMs]).toEqual([5 * 60_000, 5 * 60_000]);
});
