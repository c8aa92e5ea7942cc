import { expect, test } from "bun:test";
import { readWav, resampled } from "./wav.js";

/** A WAV file of these samples, with a chunk before them that nobody needs. */
function wav(samples: readonly number[], channels: number, { kind = 1, bits = 16 } = {}): Buffer {
  const format = Buffer.alloc(16);
  format.writeUInt16LE(kind, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(8_000, 4);
  format.writeUInt16LE(bits, 14);
  const data = Buffer.from(Int16Array.from(samples).buffer);
  const chunk = (name: string, content: Buffer): Buffer => {
    const head = Buffer.from(`${name}\0\0\0\0`, "latin1");
    head.writeUInt32LE(content.length, 4);
    return Buffer.concat([head, content]);
  };
  const chunks = [chunk("LIST", Buffer.alloc(4)), chunk("fmt ", format), chunk("data", data)];
  return Buffer.concat([Buffer.from("RIFF\0\0\0\0WAVE", "latin1"), ...chunks]);
}

test("channels become one, and samples parts of full scale", () => {
  const { rate, samples } = readWav(wav([16_384, -16_384, 32_767, 32_767], 2));
  expect(rate).toBe(8_000);
  expect([...samples].map((each) => Number(each.toFixed(3)))).toEqual([0, 1]);
});

test("another rate keeps the duration", () => {
  const sound = readWav(wav([0, 16_384, 0, 0], 1));
  expect([...resampled(sound, 16_000)]).toEqual([0, 0.25, 0.5, 0.25, 0, 0, 0, 0]);
  expect(resampled(sound, 8_000)).toBe(sound.samples);
  expect(resampled(sound, 4_000)).toHaveLength(2);
});

test("what is no such file is refused", () => {
  const whole = wav([1, 2, 3], 1);
  const files = [
    Buffer.from("ID3"),
    whole.subarray(0, 30),
    wav([1], 1, { kind: 3 }),
    wav([1], 1, { bits: 24 }),
    wav([1], 0),
  ];
  for (const file of files) expect(() => readWav(file)).toThrow(/WAV/);
});
