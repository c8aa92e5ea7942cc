import { expect, test } from "bun:test";
import { EventScanner } from "./event-scanner.js";
import { eventChunk, finalChunks, stampEvent } from "./upstream-answers.js";

/** The upstream's chunks without their chunk framing. */
const unframed = (bytes: Buffer) =>
  bytes.toString().replaceAll(/[0-9a-f]+\r\n(data: [^\r]*\n\n)\r\n/g, "$1");

test("numbered events, usage and [DONE] are found however the bytes are split", () => {
  const chunk = eventChunk();
  let body = ": a comment\n\n";
  for (const index of [0, 1, 199]) {
    stampEvent(chunk, { index, nowUs: 1_700_000_000_000_000 + index });
    body += unframed(chunk);
  }
  const bytes = Buffer.from(body + unframed(finalChunks({ isUsageWanted: true, events: 200 })));
  for (const pieceBytes of [1, 5, 64, bytes.length]) {
    const seen: string[] = [];
    const scanner = new EventScanner({
      onEvent: (index, stampUs) => seen.push(`${index}@${stampUs - 1_700_000_000_000_000}`),
      onUsage: () => seen.push("usage"),
      onDone: () => seen.push("done"),
    });
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      scanner.feed(bytes.subarray(at, at + pieceBytes));
    }
    expect(seen).toEqual(["0@0", "1@1", "199@199", "usage", "done"]);
  }
});
