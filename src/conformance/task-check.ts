/** Every task but chat: the smallest request, read as the gateway reads it. */
import type { TaskAdapter } from "../providers/provider.js";
import { MalformedReply } from "../providers/reply.js";
import type { Task } from "../tasks/index.js";
import type { Media } from "../tasks/media.js";
import type { TaskInput } from "../tasks/task-call.js";
import { totalFault } from "./chat-shapes.js";
import { type Check, failed, judgeAnswer, judged, PASSED } from "./check.js";

export const TASK: Check = {
  name: "task",
  expected: "status 2xx, and an answer in the task's form, within 30 s",
  hint: "docs/providers.md says which route and form each task has.",
  probe: (subject) => ({ ...subject.small(), key: "good", isStream: false }),
  judge: judgeAnswer((answer, { read }) => {
    if (answer.status < 200 || answer.status >= 300) {
      return failed(`the status is ${answer.status}, not 2xx`);
    }
    const slow = totalFault(answer.ms);
    if (slow !== undefined) return failed(slow);
    try {
      const step = read(answer);
      return step.kind === "failed" ? failed("it says that the job failed") : PASSED;
    } catch (thrown) {
      if (!(thrown instanceof MalformedReply)) throw thrown;
      return judged(`the answer has not the task's form: ${thrown.message}`);
    }
  }),
};

/** A grey square of 64 by 64 pixels. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAAAAACPAi4CAAAAKUlEQVR42u3MQREAAAwCIKMb3RD77SAA6VEEAoFAIBAIBAKBQCAQfA8G320AeXC6efoAAAAASUVORK5CYII=";

const picture = (): Media => ({ bytes: Buffer.from(PNG, "base64"), type: "image/png" });

const RATE = 8_000;
const SECONDS = 1;
const HEADER_BYTES = 44;

/** A second of silence: PCM, one channel, 16 bits. */
function silence(): Media {
  const dataBytes = RATE * SECONDS * 2;
  const bytes = Buffer.alloc(HEADER_BYTES + dataBytes);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(RATE * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(dataBytes, 40);
  return { bytes, type: "audio/wav" };
}

type Small = Partial<Pick<TaskInput, "inputs" | "parameters">> & { readonly media?: () => Media };

const SENTENCE = "The quick brown fox jumps over the lazy dog.";
const LABELS = { candidate_labels: ["animals", "weather"] };
const QUESTION = { question: "What colour is it?" };

const SMALL: { readonly [T in Exclude<Task, "conversational">]: Small } = {
  "text-generation": { inputs: "Once upon a time", parameters: { max_new_tokens: 8 } },
  "feature-extraction": { inputs: SENTENCE },
  "text-ranking": { inputs: { query: "fox", documents: [SENTENCE, "It rains."] } },
  "text-to-image": { inputs: "a grey square", parameters: { num_inference_steps: 1 } },
  "image-to-image": { media: picture, parameters: { prompt: "make it blue" } },
  "image-text-to-image": { media: picture, parameters: { prompt: "make it blue" } },
  "text-to-video": { inputs: "a grey square that turns", parameters: { num_frames: 9 } },
  "image-to-video": { media: picture, parameters: { prompt: "let it turn" } },
  "image-text-to-video": { media: picture, parameters: { prompt: "let it turn" } },
  "image-segmentation": { media: picture },
  "automatic-speech-recognition": { media: silence },
  "text-to-speech": { inputs: "Hello." },
  "text-to-audio": { inputs: "rain" },
  "audio-to-audio": { media: silence },
  "image-to-text": { media: picture },
  "sentence-similarity": { inputs: { source_sentence: "fox", sentences: [SENTENCE] } },
  "text-classification": { inputs: SENTENCE },
  "token-classification": { inputs: "Ada lives in London." },
  "zero-shot-classification": { inputs: SENTENCE, parameters: LABELS },
  "question-answering": { inputs: { question: "Who jumps?", context: SENTENCE } },
  "table-question-answering": {
    inputs: { query: "How old is Ada?", table: { name: ["Ada"], age: ["36"] } },
  },
  "fill-mask": { inputs: "Paris is the [MASK] of France." },
  summarization: { inputs: SENTENCE },
  translation: { inputs: SENTENCE },
  "audio-classification": { media: silence },
  "image-classification": { media: picture },
  "object-detection": { media: picture },
  "zero-shot-image-classification": { media: picture, parameters: LABELS },
  "document-question-answering": { inputs: QUESTION, media: picture },
  "visual-question-answering": { inputs: QUESTION, media: picture },
  "tabular-classification": { inputs: { data: { length: ["1.5"], width: ["0.5"] } } },
  "tabular-regression": { inputs: { data: { length: ["1.5"], width: ["0.5"] } } },
};

/** The smallest input of a task that makes sense; with `insistsOn`, which whoever is asked cannot do without. */
export function smallInput(
  task: Exclude<Task, "conversational">,
  { insistsOn }: Pick<TaskAdapter, "insistsOn">,
): TaskInput {
  const { inputs, media, parameters } = SMALL[task];
  return { inputs, media: media?.(), parameters: { ...insistsOn, ...parameters }, extra: {} };
}
