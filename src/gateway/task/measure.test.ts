import { expect, test } from "bun:test";
import { durationMsOf, pixelsOf } from "./measure.js";

const text = (words: string) => ({ bytes: Buffer.from(words), type: "video/mp4" });

test("what is no picture, sound or film has neither size nor length", async () => {
  expect(pixelsOf(text("no picture"))).toBeUndefined();
  expect(await durationMsOf(text("no film"))).toBeUndefined();
  expect(await durationMsOf({ ...text("no sound"), type: "audio/wav" })).toBeUndefined();
});
