/** POST /v1/audio/transcriptions. Source: OpenAI API reference, Audio: create transcription. */
import type { Json } from "../../tasks/task-call.js";
import type { AnswerFacts, Door } from "./door.js";
import {
  allBut,
  flag,
  given,
  list,
  mustBe,
  number,
  oneOf,
  PLAIN,
  routing,
  text,
  unsupported,
} from "./fields.js";
import { fieldsOf, onlyFile } from "./form.js";
import { jsonAnswer, jsonIn, usageOf } from "./print.js";
import { type Transcript, toSrt, toVtt, transcriptOf } from "./transcript.js";

const FORMATS = ["json", "text", "srt", "verbose_json", "vtt"] as const;
const GRANULARITIES = ["word", "segment"] as const;
const READ_HERE = ["file", "response_format", "stream", "timestamp_granularities"];

export const transcriptions: Door = {
  parse: (body) => {
    const media = onlyFile(body, "file");
    const fields = fieldsOf(body, FORM);
    if (flag(fields, "stream")) throw unsupported("stream", "a transcription comes whole");
    for (const name of ["language", "prompt"]) text(fields, name);
    number(fields, "temperature", 0, 1);
    const format = oneOf(fields, "response_format", FORMATS) ?? "json";
    const return_timestamps = timestampsOf(fields, format);
    return {
      ...PLAIN,
      ...routing(fields),
      tasks: ["automatic-speech-recognition"],
      input: {
        inputs: undefined,
        media,
        parameters: { ...allBut(fields, READ_HERE), ...given({ return_timestamps }) },
        extra: {},
      },
      format,
    };
  },
  print: (asked, delivered, facts) => {
    const transcript = transcriptOf(jsonIn(delivered), facts.usage.measured?.audioNanoseconds);
    switch (asked.format) {
      case "text":
        return { type: "text/plain; charset=utf-8", body: `${transcript.text}\n` };
      case "srt":
        return { type: "application/x-subrip; charset=utf-8", body: toSrt(transcript) };
      case "vtt":
        return { type: "text/vtt; charset=utf-8", body: toVtt(transcript) };
      case "verbose_json":
        return jsonAnswer(verbose(transcript, asked.input.parameters), usageIn(facts));
      default:
        return jsonAnswer({ text: transcript.text }, usageIn(facts));
    }
  },
};

const FORM = { lists: ["timestamp_granularities"], numbers: ["temperature"], flags: ["stream"] };

/** What the task calls it: `true` for segments, `"word"` for words. */
function timestampsOf(
  fields: Json,
  format: (typeof FORMATS)[number],
): boolean | "word" | undefined {
  const wanted = granularityOf(fields);
  if (wanted !== undefined && format !== "verbose_json") {
    throw mustBe("response_format", '"verbose_json" where "timestamp_granularities" is given');
  }
  if (format === "json" || format === "text") return undefined;
  return wanted === "word" ? "word" : true;
}

function granularityOf(fields: Json): (typeof GRANULARITIES)[number] | undefined {
  const name = "timestamp_granularities";
  if (fields[name] === undefined) return undefined;
  const wanted = new Set(
    list(fields, name, GRANULARITIES.length, (value, at) =>
      oneOf({ [at]: value }, at, GRANULARITIES),
    ),
  );
  if (wanted.size > 1) throw unsupported(name, "ask for words or for segments");
  return [...wanted][0];
}

function verbose({ text, cues, seconds }: Transcript, parameters: Json): Json {
  const isWords = parameters.return_timestamps === "word";
  return {
    task: "transcribe",
    language: parameters.language ?? null,
    duration: seconds,
    text,
    ...(isWords
      ? { words: cues.map(({ text: word, start, end }) => ({ word: word.trim(), start, end })) }
      : { segments: cues.map(({ text, start, end }, id) => ({ id, start, end, text })) }),
  };
}

/** As OpenAI writes it: by duration where the sound was measured, else by tokens. */
function usageIn(facts: AnswerFacts): string {
  const { measured, inputTokens, outputTokens } = facts.usage;
  const nanoseconds = measured?.audioNanoseconds;
  if (nanoseconds !== undefined) {
    return usageOf({ type: "duration", seconds: nanoseconds / 1e9 }, facts);
  }
  const total_tokens = inputTokens + outputTokens;
  return usageOf(
    { type: "tokens", input_tokens: inputTokens, output_tokens: outputTokens, total_tokens },
    facts,
  );
}
