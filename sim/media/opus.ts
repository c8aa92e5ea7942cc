import { ascii, type Bytes, concat, l16, l32, u8 } from "./bytes.js";
import type { Sound } from "./sound.js";

/** 20 ms of silence: a CELT frame of three bytes. */
const SILENCE = u8(0xf8, 0xff, 0xfe);
const PACKET_SECONDS = 0.02;
const SAMPLES_PER_PACKET = 960;
const PACKETS_PER_PAGE = 50;

/** Opus in Ogg (RFC 7845): silence. */
export function opus({ seconds, rate }: Sound): Bytes {
  const packets = Math.max(1, Math.round(seconds / PACKET_SECONDS));
  const head = concat(ascii("OpusHead"), u8(1, 1), l16(0), l32(rate), l16(0), u8(0));
  const tags = concat(ascii("OpusTags"), l32(3), ascii("sim"), l32(0));
  const pages = [page([head], 0, 0, 2), page([tags], 0, 1, 0)];
  for (let at = 0; at < packets; at += PACKETS_PER_PAGE) {
    const count = Math.min(PACKETS_PER_PAGE, packets - at);
    const last = at + count === packets ? 4 : 0;
    const sound = Array.from({ length: count }, () => SILENCE);
    pages.push(page(sound, (at + count) * SAMPLES_PER_PACKET, pages.length, last));
  }
  return concat(...pages);
}

function page(packets: readonly Bytes[], position: number, number: number, flags: number): Bytes {
  const lengths = packets.map((packet) => packet.length);
  const made = concat(
    ...[ascii("OggS"), u8(0, flags), l32(position), l32(0), l32(1), l32(number), l32(0)],
    ...[u8(lengths.length, ...lengths), ...packets],
  );
  made.set(l32(checksum(made)), 22);
  return made;
}

/** Ogg's own CRC-32: the usual polynomial, but neither mirrored nor inverted. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let i = 0; i < 8; i += 1) sum = (sum << 1) ^ (sum & 0x80000000 ? 0x04c11db7 : 0);
  }
  return sum >>> 0;
}
