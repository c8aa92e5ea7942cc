import { below, type Random, randomFrom } from "./random.js";

const HEX = "0123456789abcdef";
const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const NANOID = `${ALPHANUMERIC}_-`;

/** Makes the ids of one request, in the shapes the providers use. */
export type Ids = {
  readonly hex: (length: number) => string;
  readonly alphanumeric: (length: number) => string;
  readonly nanoid: () => string;
  readonly uuid: () => string;
};

function text(random: Random, alphabet: string, length: number): string {
  let made = "";
  for (let i = 0; i < length; i += 1) made += alphabet[below(random, alphabet.length)];
  return made;
}

export function idsFrom(seed: number): Ids {
  const random = randomFrom(seed);
  const hex = (length: number) => text(random, HEX, length);
  return {
    hex,
    alphanumeric: (length) => text(random, ALPHANUMERIC, length),
    nanoid: () => text(random, NANOID, 21),
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
  };
}
