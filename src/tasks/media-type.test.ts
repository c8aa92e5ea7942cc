import { expect, test } from "bun:test";
import { typeOfMedia } from "./media-type.js";

const bytes = (latin1: string) => Buffer.from(latin1, "latin1");

test("a file is told by its first bytes", () => {
  const files: Readonly<Record<string, string>> = {
    "\x89PNG\r\n\x1a\n....": "image/png",
    "\xff\xd8\xff\xe0": "image/jpeg",
    "RIFF....WEBPVP8 ": "image/webp",
    "RIFF....WAVEfmt ": "audio/wav",
    "RIFF....AVI LIST": "application/octet-stream",
    fLaC: "audio/flac",
    "ID3\x04": "audio/mpeg",
    "\xff\xfb\x90": "audio/mpeg",
    "....ftypM4A ": "audio/mp4",
    "....ftypisom": "video/mp4",
    "....ftypavif": "image/avif",
    "\x1a\x45\xdf\xa3": "video/webm",
    OggS: "audio/ogg",
    "": "application/octet-stream",
    hello: "application/octet-stream",
  };
  for (const [head, type] of Object.entries(files)) {
    expect({ head, type: typeOfMedia(bytes(head), undefined) }).toEqual({ head, type });
  }
});

test("what was said of it is believed, unless that could be anything", () => {
  expect(typeOfMedia(bytes("fLaC"), " audio/webm;codecs=opus ")).toBe("audio/webm;codecs=opus");
  for (const nothing of [
    "",
    "application/octet-stream",
    "application/x-www-form-urlencoded; a=b",
  ]) {
    expect(typeOfMedia(bytes("fLaC"), nothing)).toBe("audio/flac");
  }
});
