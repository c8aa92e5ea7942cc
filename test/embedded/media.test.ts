/** Pictures and sound, with the real weights. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import sharp from "sharp";
import { embeddedUnderTest } from "./support.js";

const embedded = embeddedUnderTest();
afterAll(embedded.end);

const DETECTION = "/models/embedded/centernet-coco";
const SEGMENTATION = "/models/embedded/selfie-segmentation";
const ENLARGING = "/models/embedded/esrgan-slim-2x";
const LANGUAGE = "/models/embedded/fasttext-lid-176";
const SPEECH = "/models/embedded/flite";

const photo = async (name: string): Promise<Uint8Array> =>
  await Bun.file(join(import.meta.dir, "media", `${name}.jpg`)).bytes();
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

type Detection = {
  readonly label: string;
  readonly score: number;
  readonly box: Record<string, number>;
};

describe("object-detection", () => {
  test("a person and a cup are seen where they are", async () => {
    const [person] = (
      await embedded.ask(DETECTION, await photo("astronaut"))
    ).json() as Detection[];
    expect(person?.label).toBe("person");
    const { xmin = -1, ymin = -1, xmax = 0, ymax = 0 } = person?.box ?? {};
    expect([xmin < 60, ymin < 60, xmax > 240, ymax > 360]).toEqual([true, true, true, true]);
    const [cup] = (await embedded.ask(DETECTION, await photo("coffee"))).json() as Detection[];
    expect(cup?.label).toBe("cup");
  });

  test("raw bytes and base64 in JSON get the same answer, and a threshold leaves out the unsure", async () => {
    const bytes = await photo("coffee");
    const raw = (await embedded.ask(DETECTION, bytes)).json() as Detection[];
    expect(
      (await embedded.ask(DETECTION, { inputs: base64(bytes), parameters: {} })).json(),
    ).toEqual(raw);
    const sure = await embedded.ask(DETECTION, {
      inputs: base64(bytes),
      parameters: { threshold: 0.4 },
    });
    expect(sure.json()).toEqual(raw.filter(({ score }) => score >= 0.4));
    expect((sure.json() as Detection[]).length).toBeLessThan(raw.length);
  });

  test("a picture that lies on its side is turned first", async () => {
    const turned = await sharp(await photo("astronaut"))
      .rotate(270)
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const [person] = (await embedded.ask(DETECTION, turned)).json() as Detection[];
    expect([person?.label, (person?.box.ymax ?? 0) > 360]).toEqual(["person", true]);
  });
});

test("image-segmentation: the mask covers the person and not the background", async () => {
  const asked = await embedded.ask(SEGMENTATION, { inputs: base64(await photo("astronaut")) });
  const [segment, ...others] = asked.json() as { label: string; score: number; mask: string }[];
  expect([segment?.label, others.length]).toEqual(["person", 0]);
  expect(segment?.score).toBeGreaterThan(0.8);
  const mask = sharp(Buffer.from(segment?.mask ?? "", "base64"));
  const { width, height, channels } = await mask.metadata();
  expect([width, height, channels]).toEqual([400, 400, 1]);
  const data = await mask.toColourspace("b-w").raw().toBuffer();
  const at = (x: number, y: number) => data[y * 400 + x];
  expect([at(175, 80), at(160, 300), at(380, 20), at(20, 30)]).toEqual([255, 255, 0, 0]);
});

describe("image-to-image", () => {
  test("twice the size is nearer to the original than interpolation is, also across tiles", async () => {
    const original = await sharp(await photo("chelsea"))
      .extract({ left: 40, top: 20, width: 320, height: 200 })
      .png()
      .toBuffer();
    const small = await sharp(original).resize(160, 100).png().toBuffer();
    const asked = await embedded.ask(ENLARGING, small, {
      headers: { "content-type": "image/png" },
    });
    expect(asked.headers.get("content-type")).toBe("image/png");
    const bicubic = await sharp(small).resize(320, 200, { kernel: "cubic" }).png().toBuffer();
    expect(await psnr(asked.bytes, original)).toBeGreaterThan(
      (await psnr(bicubic, original)) + 0.3,
    );
  });

  test("it comes at the size and of the kind that were asked for", async () => {
    const small = await sharp(await photo("coffee"))
      .resize(64, 40)
      .png()
      .toBuffer();
    const parameters = { target_size: { width: 100, height: 50 } };
    const asked = await embedded.ask(
      ENLARGING,
      { inputs: base64(small), parameters },
      { headers: { accept: "image/jpeg" } },
    );
    const { width, height, format } = await sharp(asked.bytes).metadata();
    expect([width, height, format]).toEqual([100, 50, "jpeg"]);
  });
});

/** Signal to noise of two pictures of one size, in decibels. */
async function psnr(a: Uint8Array, b: Uint8Array): Promise<number> {
  const [one, two] = await Promise.all(
    [a, b].map((each) => sharp(each).removeAlpha().raw().toBuffer()),
  );
  if (!one || one.length !== two?.length) return 0;
  const sum = one.reduce((total, each, i) => total + (each - (two[i] ?? 0)) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (sum / one.length));
}

test("text-classification: the language of a text", async () => {
  const texts = {
    en: "The quick brown fox jumps over the lazy dog",
    de: "Der schnelle braune Fuchs springt über den faulen Hund",
    fr: "Le renard brun rapide saute par-dessus le chien paresseux",
    es: "El rápido zorro marrón salta sobre el perro perezoso",
    ja: "素早い茶色の狐がのろまな犬を飛び越える",
    ru: "Быстрая коричневая лиса прыгает через ленивую собаку",
  };
  const asked = await embedded.ask(LANGUAGE, {
    inputs: Object.values(texts),
    parameters: { top_k: 2 },
  });
  const lists = asked.json() as { label: string; score: number }[][];
  expect(lists.map(([first]) => first?.label)).toEqual(Object.keys(texts));
  expect(lists.every((list) => list.length === 2 && (list[0]?.score ?? 0) > 0.7)).toBe(true);
  const one = await embedded.ask(LANGUAGE, { inputs: texts.de });
  expect(one.json()).toEqual([
    expect.arrayContaining([{ label: "de", score: expect.any(Number) }]),
  ]);
});

test("text-to-speech: a wav of about the length that the text takes to say", async () => {
  const asked = await embedded.ask(SPEECH, {
    inputs: "Turnpike is one road to every inference provider.",
  });
  expect([asked.status, asked.headers.get("content-type")]).toEqual([200, "audio/wav"]);
  expect(asked.bytes.toString("latin1", 0, 4) + asked.bytes.toString("latin1", 8, 12)).toBe(
    "RIFFWAVE",
  );
  const seconds = (asked.bytes.length - 44) / asked.bytes.readUInt32LE(28);
  expect(asked.bytes.readUInt32LE(24)).toBe(16_000);
  expect(seconds).toBeGreaterThan(2);
  expect(seconds).toBeLessThan(5);
  const other = await embedded.ask(SPEECH, { inputs: "Hello.", parameters: { voice: "rms" } });
  expect(other.bytes.subarray(44).some((each) => each !== 0)).toBe(true);
});

test("what is no picture, is cut off or asks for what the model cannot do is refused in words", async () => {
  const bytes = await photo("coffee");
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>';
  const huge = await sharp({ create: { width: 1200, height: 900, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const inputs = base64(bytes);
  const refusals: readonly (readonly [string, unknown, string])[] = [
    [DETECTION, bytes.subarray(0, 9_000), "cannot be read"],
    [DETECTION, Buffer.from("not a picture"), "cannot be read"],
    [DETECTION, Buffer.from(svg), "cannot be read"],
    [DETECTION, new Uint8Array(), "is empty"],
    [DETECTION, { inputs: "https://169.254.169.254/latest" }, "is a URL"],
    [DETECTION, { inputs: "%%%" }, "not base64"],
    [DETECTION, { parameters: {} }, "`inputs`"],
    [DETECTION, { inputs, parameters: { threshold: 2 } }, "`parameters.threshold`"],
    [DETECTION, `{"inputs": "${inputs}", "parameters": {"threshold": NaN}}`, "not valid JSON"],
    [SEGMENTATION, { inputs, parameters: { subtask: "panoptic" } }, "semantic"],
    [ENLARGING, { inputs, parameters: { prompt: "a dog" } }, "prompt"],
    [ENLARGING, huge, "1200 × 900 pixels"],
    [LANGUAGE, { inputs: "" }, "`inputs`"],
    [LANGUAGE, { inputs: "a", parameters: { top_k: 0 } }, "`parameters.top_k`"],
    [SPEECH, { inputs: "  " }, "`inputs`"],
    [SPEECH, { inputs: "a".repeat(5_001) }, "`inputs`"],
    [SPEECH, { inputs: "a", parameters: { voice: "../x" } }, "`parameters.voice`"],
  ];
  for (const [path, body, message] of refusals) {
    const asked = await embedded.ask(path, body);
    expect([asked.status, asked.json()]).toEqual([
      400,
      { error: expect.stringContaining(message) },
    ]);
  }
});
