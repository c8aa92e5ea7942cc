import { expect, test } from "bun:test";
import { taskAnswer } from "./task-answer.js";

const JS = "@huggingface/inference/4.13.30 Node.js/22";
const PYTHON = "unknown/None; hf_hub/1.29.0; python/3.11.7";

test("the text of an image is an object for one client and a list for everyone else", () => {
  const said = { generated_text: "a cat" };
  for (const json of [said, [said]]) {
    const read = (userAgent: string | null) =>
      JSON.parse(String(taskAnswer("image-to-text", { kind: "json", json }, userAgent).body));
    expect(read(JS)).toEqual(said);
    for (const other of [PYTHON, null, "curl/8"]) expect(read(other)).toEqual([said]);
  }
});

test("other JSON is what it is, and a file is the first one with its type", () => {
  const json = [[{ label: "POSITIVE", score: 1 }]];
  expect(taskAnswer("text-classification", { kind: "json", json }, JS)).toEqual({
    type: "application/json",
    body: JSON.stringify(json),
  });
  const [bytes, other] = [Buffer.from("a"), Buffer.from("b")];
  const media = [
    { bytes, type: "image/webp" },
    { bytes: other, type: "image/png" },
  ];
  expect(taskAnswer("text-to-image", { kind: "media", media }, PYTHON)).toEqual({
    type: "image/webp",
    body: bytes,
  });
  for (const none of [[], [{ url: "https://x.example/a.png" }]]) {
    const answer = () => taskAnswer("text-to-image", { kind: "media", media: none }, null);
    expect(answer).toThrow("it holds no file");
  }
});
