import { describe, expect, test } from "bun:test";
import mediaInfo from "mediainfo.js";
import sharp from "sharp";
import { type Bytes, noise } from "../../sim/media/bytes.js";
import { drawPicture, type PictureFormat } from "../../sim/media/draw-picture.js";
import { filmSeconds, mp4 } from "../../sim/media/mp4.js";
import { playSound, type SoundFormat, soundSeconds } from "../../sim/media/play-sound.js";
import { probe } from "../../sim/media/probe.js";
import { randomFrom } from "../../sim/random.js";

const MEGABYTE = 1_000_000;
const draw = (format: PictureFormat, width: number, height: number, bytesMin = 0, seed = 5) =>
  drawPicture(format, { width, height }, randomFrom(seed), bytesMin);
const play = (format: SoundFormat, seconds: number, bytesMin = 0) =>
  playSound(format, seconds, randomFrom(5), bytesMin);
const film = (seconds: number, bytesMin = 0) =>
  mp4({ width: 640, height: 360, seconds, seed: 3, still: draw("jpeg", 640, 360), bytesMin });

type Track = { readonly "@type": string; readonly [name: string]: unknown };

async function tracksOf(bytes: Bytes): Promise<readonly Track[]> {
  const info = await mediaInfo({ format: "object" });
  const read = (size: number, at: number) => bytes.subarray(at, at + size);
  const { media } = await info.analyzeData(() => bytes.length, read);
  info.close();
  return (media?.track ?? []) as unknown as readonly Track[];
}

for (const format of ["png", "jpeg", "webp"] as const) {
  describe(`a picture as ${format}`, () => {
    for (const [width, height] of [
      [1, 1],
      [7, 13],
      [1024, 768],
    ] as const) {
      for (const bytesMin of [0, MEGABYTE]) {
        test(`${width}x${height} of at least ${bytesMin} bytes decodes without a complaint`, async () => {
          const bytes = draw(format, width, height, bytesMin);
          expect(bytes.length).toBeGreaterThanOrEqual(bytesMin);
          expect(bytes.length).toBeLessThan(bytesMin + 20_000);
          const decoded = sharp(bytes, { failOn: "warning" }).raw();
          const { info, data } = await decoded.toBuffer({ resolveWithObject: true });
          expect(info).toMatchObject({ width, height, channels: 3 });
          expect(data.length).toBe(width * height * 3);
          expect(probe(bytes)).toEqual({ kind: "image", width, height });
        });
      }
    }

    test("is the same for the same seed and another one for another", () => {
      expect(draw(format, 64, 64)).toEqual(draw(format, 64, 64));
      expect(draw(format, 64, 64, 0, 6)).not.toEqual(draw(format, 64, 64));
    });
  });
}

for (const format of ["wav", "mp3", "flac", "opus"] as const) {
  describe(`a sound as ${format}`, () => {
    for (const seconds of [0.5, 3, 65]) {
      test(`of ${seconds} s is as long as asked for, in steps of 0.12 s`, async () => {
        const bytes = play(format, seconds);
        const length = soundSeconds(seconds);
        expect(Math.abs(length - seconds)).toBeLessThanOrEqual(0.06);
        const [general, audio] = await tracksOf(bytes);
        expect(general?.Duration).toBeCloseTo(length, 3);
        expect(audio).toMatchObject({ "@type": "Audio", SamplingRate: expect.any(Number) });
        expect(probe(bytes)).toEqual({ kind: "sound", seconds: expect.closeTo(length, 3) });
      });
    }
  });
}

for (const format of ["wav", "mp3", "flac"] as const) {
  test(`a sound as ${format} can be made larger without getting longer`, async () => {
    const bytes = play(format, 3, MEGABYTE);
    expect(bytes.length).toBeGreaterThanOrEqual(MEGABYTE);
    expect((await tracksOf(bytes))[0]?.Duration).toBeCloseTo(3, 3);
  });
}

describe("a film as MP4", () => {
  for (const bytesMin of [0, MEGABYTE]) {
    test(`of at least ${bytesMin} bytes has the size, length and frames asked for`, async () => {
      const bytes = film(5, bytesMin);
      expect(bytes.length).toBeGreaterThanOrEqual(bytesMin);
      const [general, video] = await tracksOf(bytes);
      expect(general).toMatchObject({ Format: "MPEG-4", Duration: 5 });
      expect(video).toMatchObject({ "@type": "Video", Format: "JPEG", Width: 640, Height: 360 });
      expect(video).toMatchObject({ Duration: 5, FrameCount: 120 });
      expect(probe(bytes)).toEqual({ kind: "sound", seconds: 5 });
    });
  }

  test("is at least one frame long, and whole frames", () => {
    expect(filmSeconds(0)).toBe(1 / 24);
    expect(filmSeconds(1.02)).toBe(1);
  });

  test("shows frames that decode", async () => {
    const bytes = film(1);
    const at = Buffer.from(bytes).indexOf("mdat") + 4;
    const { width, height } = await sharp(bytes.slice(at), { failOn: "warning" }).metadata();
    expect([width, height]).toEqual([640, 360]);
  });
});

describe("what providers make of a caller's file", () => {
  test("nothing, when it is none or ends in its own header", () => {
    expect(probe(noise(1000, 3))).toBeUndefined();
    expect(probe(new Uint8Array(0))).toBeUndefined();
    expect(probe(draw("png", 64, 64).slice(0, 18))).toBeUndefined();
    expect(probe(draw("jpeg", 64, 64).slice(0, 40))).toBeUndefined();
    expect(probe(play("wav", 1).slice(0, 30))).toBeUndefined();
  });
});
