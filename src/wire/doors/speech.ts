/** POST /v1/audio/speech. Source: OpenAI API reference, Audio: create speech. */
import { SPEECH_CHARS_MAX } from "../../kernel/limits.js";
import { isThere } from "../../tasks/media.js";
import type { Door } from "./door.js";
import {
  allBut,
  mustBe,
  number,
  oneOf,
  PLAIN,
  routing,
  someText,
  text,
  unsupported,
} from "./fields.js";
import { jsonOf } from "./form.js";
import { unreadable } from "./print.js";

const FORMATS = ["mp3", "opus", "aac", "flac", "wav", "pcm"] as const;
const SPEED_LEAST = 0.25;
const SPEED_MOST = 4;

export const speech: Door = {
  parse: (body) => {
    const json = jsonOf(body);
    if (oneOf(json, "stream_format", ["audio", "sse"]) === "sse") {
      throw unsupported("stream_format", "speech is sent as the sound itself");
    }
    if (typeof json.voice === "object" && json.voice !== null) throw mustBe("voice", "a name");
    text(json, "voice");
    text(json, "instructions");
    number(json, "speed", SPEED_LEAST, SPEED_MOST);
    return {
      ...PLAIN,
      ...routing(json),
      tasks: ["text-to-speech", "text-to-audio"],
      input: {
        inputs: someText(json, "input", SPEECH_CHARS_MAX),
        media: undefined,
        // `response_format` only where the caller cares: each provider has a form of its own to fall back on.
        parameters: allBut(json, ["input", "stream_format"]),
        extra: {},
      },
      format: oneOf(json, "response_format", FORMATS) ?? "any",
    };
  },
  print: (_asked, delivered) => {
    const [sound] = delivered.kind === "media" ? delivered.media : [];
    if (!sound || !isThere(sound)) throw unreadable("it holds no sound");
    return { type: sound.type, body: sound.bytes };
  },
};
