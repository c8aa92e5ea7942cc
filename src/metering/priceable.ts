/** Which prices a task can be charged by: a mapping without one is never served on the operator's account. */
import type { Price } from "../catalog/model.js";
import type { Task } from "../tasks/index.js";
import { TOKEN_UNITS, type Unit } from "../tasks/usage.js";

/** Alternatives: a price is whole when it names all units of one of them. */
type Whole = readonly (readonly Unit[])[];

type Kind = { readonly counts: readonly Unit[]; readonly whole: Whole };

const ALWAYS: Whole = [["request"], ["compute_second"]];

const kindOf = (counts: readonly Unit[], whole: Whole): Kind => ({
  counts: [...counts, "request", "compute_second"],
  whole: [...whole, ...ALWAYS],
});

/** Output tokens without a price would be free by accident, so text wants both. */
const TEXT = kindOf(TOKEN_UNITS, [["input", "output"]]);
const EMBEDDING = kindOf(
  ["input", "cached_input", "million_characters"],
  [["input"], ["million_characters"]],
);
/** OpenAI charges the tokens that a picture or a transcript is made of. */
const BY_TOKENS: readonly Unit[] = ["input", "output"];
const IMAGE = kindOf(
  ["image", "megapixel", "step", ...TOKEN_UNITS],
  [["image"], ["megapixel"], ["step"], BY_TOKENS],
);
const VIDEO = kindOf(["video_second"], [["video_second"]]);
const HEARING = kindOf(
  ["audio_second", "audio_minute", ...TOKEN_UNITS],
  [["audio_second"], ["audio_minute"], BY_TOKENS],
);
const SPEAKING = kindOf(
  ["audio_second", "audio_minute", "million_characters"],
  [["audio_second"], ["audio_minute"], ["million_characters"]],
);

/** What is read or looked at, for a short answer. */
const READING = kindOf([...TOKEN_UNITS, "million_characters"], [["input"], ["million_characters"]]);
const LOOKING = kindOf(["image"], [["image"]]);
const CALCULATING = kindOf([], []);

const KINDS: Readonly<Record<Task, Kind>> = {
  conversational: TEXT,
  "text-generation": TEXT,
  "feature-extraction": EMBEDDING,
  "text-ranking": EMBEDDING,
  "text-to-image": IMAGE,
  "image-to-image": IMAGE,
  "image-text-to-image": IMAGE,
  "image-segmentation": IMAGE,
  "text-to-video": VIDEO,
  "image-to-video": VIDEO,
  "image-text-to-video": VIDEO,
  "automatic-speech-recognition": HEARING,
  "audio-to-audio": HEARING,
  "text-to-speech": SPEAKING,
  "text-to-audio": SPEAKING,
  "image-to-text": kindOf([...TOKEN_UNITS, "image"], [["input", "output"], ["image"]]),
  "sentence-similarity": EMBEDDING,
  "text-classification": READING,
  "token-classification": READING,
  "zero-shot-classification": READING,
  "question-answering": READING,
  "table-question-answering": READING,
  "fill-mask": READING,
  summarization: READING,
  translation: READING,
  "audio-classification": HEARING,
  "image-classification": LOOKING,
  "object-detection": LOOKING,
  "zero-shot-image-classification": LOOKING,
  "document-question-answering": LOOKING,
  "visual-question-answering": LOOKING,
  "tabular-classification": CALCULATING,
  "tabular-regression": CALCULATING,
};

/** Why a task cannot be charged at this price, in a few words; undefined where it can. */
export function priceFault(task: Task, price: Price | undefined): string | undefined {
  if (!price || Object.keys(price).length === 0) return "has no price";
  const { counts, whole } = KINDS[task];
  const units = Object.keys(price) as Unit[];
  const strange = units.find((unit) => !counts.includes(unit));
  if (strange !== undefined) return `is priced per ${strange}, which ${task} does not count`;
  if (!whole.some((needed) => needed.every((unit) => price[unit] !== undefined))) {
    return `has half a price: ${units.join(", ")}`;
  }
  if (units.every((unit) => price[unit] === 0n)) return "has a price of nothing, and no is_free";
  return undefined;
}

/** Whether requests of a task can be charged at this price. */
export const isPriceFor = (task: Task, price: Price | undefined): price is Price =>
  priceFault(task, price) === undefined;

/** The units a task can be charged by. */
export const unitsOf = (task: Task): readonly Unit[] => KINDS[task].counts;
