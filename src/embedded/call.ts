/** What the door asks of an engine's process, besides the body that it passes on as it came. */
import type { EmbeddedModel, EmbeddedTask } from "./models.js";

/** Which dialect the body is in. */
export type Form = "task" | "chat" | "completions";

export type Call = {
  readonly model: EmbeddedModel;
  readonly task: EmbeddedTask;
  readonly form: Form;
};

/** Between the door and the engines only; never on an answer to a caller. */
export const CALL_HEADER = "x-embedded-call";
/** The engine's resident memory in bytes after an answer. */
export const RSS_HEADER = "x-embedded-rss";

export const printCall = (call: Call): string => encodeURIComponent(JSON.stringify(call));

export const parseCall = (text: string): Call => JSON.parse(decodeURIComponent(text)) as Call;

/** What can be a body as it is. */
export type Bytes = Uint8Array<ArrayBuffer>;
