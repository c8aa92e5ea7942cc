/** Sound from a WAV file of 16-bit samples, the one form that needs no decoder. */
import { badInput } from "../../refusal.js";

export type Sound = { readonly rate: number; readonly samples: Float32Array };

const PCM = 1;
const BYTES = 2;
const FULL_SCALE = 32_768;

/** One channel, the mean of those there are. Throws a Refusal for anything else. */
export function readWav(bytes: Uint8Array): Sound {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.toString("latin1", 0, 4) !== "RIFF" || view.toString("latin1", 8, 12) !== "WAVE") {
    throw badInput("The sound is not a WAV file; convert it first.");
  }
  const format = chunkOf(view, "fmt ");
  const data = chunkOf(view, "data");
  if (!format || !data || format.length < 16) throw badInput("The WAV file is cut off.");
  const [kind, channels, rate, bits] = [
    format.readUInt16LE(0),
    format.readUInt16LE(2),
    format.readUInt32LE(4),
    format.readUInt16LE(14),
  ];
  if (kind !== PCM || bits !== BYTES * 8 || channels === 0 || rate === 0) {
    throw badInput("The WAV file is not of 16-bit samples; convert it first.");
  }
  return { rate, samples: mixed(data, channels) };
}

/** What stands under a name, as much of it as there is. */
function chunkOf(view: Buffer, name: string): Buffer | undefined {
  let at = 12;
  while (at + 8 <= view.length) {
    const length = view.readUInt32LE(at + 4);
    if (view.toString("latin1", at, at + 4) === name) return view.subarray(at + 8, at + 8 + length);
    at += 8 + length + (length % 2);
  }
  return undefined;
}

function mixed(data: Buffer, channels: number): Float32Array {
  const frames = Math.floor(data.length / (BYTES * channels));
  return Float32Array.from({ length: frames }, (_, frame) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) {
      sum += data.readInt16LE((frame * channels + channel) * BYTES);
    }
    return sum / channels / FULL_SCALE;
  });
}

/** At another rate, by straight lines between samples. */
export function resampled({ rate, samples }: Sound, wanted: number): Float32Array {
  if (rate === wanted) return samples;
  const length = Math.floor((samples.length * wanted) / rate);
  return Float32Array.from({ length }, (_, i) => {
    const at = (i * rate) / wanted;
    const [before = 0, after = before] = samples.subarray(Math.floor(at), Math.floor(at) + 2);
    return before + (after - before) * (at % 1);
  });
}
