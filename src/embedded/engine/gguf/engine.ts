/** The engine for GGUF files, by the optional package node-llama-cpp. */
import type { EmbeddedModel } from "../../models.js";
import {
  type Answer,
  type Engine,
  jsonAnswer,
  type LoadedModel,
  type Question,
} from "../engine.js";
import { importLlama, type Llama, type LlamaModule } from "./llama.js";
import * as openai from "./openai.js";
import { lastTgi, partTgi, readTgi, wholeTgi } from "./tgi.js";
import { type Ending, loadWriter, type Piece, type Writer } from "./writer.js";
import { begin, writeAll } from "./writing.js";

let library: Promise<{ readonly module: LlamaModule; readonly llama: Llama }> | undefined;

export const ggufEngine: Engine = {
  load: async ({ id, weights }) => {
    library ??= openLibrary();
    const { module, llama } = await library;
    const writer = await loadWriter(module, llama, weights);
    return loaded(id, writer);
  },
};

async function openLibrary() {
  const module = await importLlama();
  const options = { build: "never", gpu: false, logLevel: "error", progressLogs: false } as const;
  return { module, llama: await module.getLlama(options) };
}

const loaded = (id: EmbeddedModel["id"], writer: Writer): LoadedModel => ({
  answer: (question) => {
    if (question.form === "task") return answerTgi(writer, question);
    return answerOpenAi(writer, question, question.form, id);
  },
  unload: () => writer.unload(),
});

async function answerOpenAi(
  writer: Writer,
  { input, signal }: Question,
  dialect: openai.Dialect,
  id: string,
): Promise<Answer> {
  const request = dialect === "chat" ? openai.readChat(input) : openai.readCompletion(input);
  const head = openai.headOf(dialect, request.isStream, id);
  if (request.isStream) {
    const pieces = await begin(writer, request, signal);
    return { kind: "events", events: openAiEvents(pieces, dialect, head, request.wantsUsage) };
  }
  const { text, ending } = await writeAll(writer, request, signal);
  const choices = [openai.wholeChoice(dialect, text, ending)];
  return jsonAnswer({ ...head, choices, usage: openai.usageOf(ending) });
}

async function* openAiEvents(
  pieces: AsyncIterable<Piece | Ending>,
  dialect: openai.Dialect,
  head: ReturnType<typeof openai.headOf>,
  wantsUsage: boolean,
): AsyncGenerator<string> {
  let isFirst = true;
  const part = (text: string, finish: string | null): string =>
    JSON.stringify({ ...head, choices: [openai.partChoice(dialect, text, finish, isFirst)] });
  for await (const each of pieces) {
    if ("text" in each) yield part(each.text, null);
    else yield part("", openai.finishOf(each));
    isFirst = false;
    if ("reason" in each && wantsUsage)
      yield JSON.stringify({ ...head, choices: [], usage: openai.usageOf(each) });
  }
  yield "[DONE]";
}

async function answerTgi(writer: Writer, { input, signal }: Question): Promise<Answer> {
  const request = readTgi(input);
  if (request.isStream) {
    const pieces = await begin(writer, request, signal);
    return { kind: "events", events: tgiEvents(pieces, request) };
  }
  const { text, ending } = await writeAll(writer, request, signal);
  return jsonAnswer(wholeTgi(request, text, ending));
}

async function* tgiEvents(
  pieces: AsyncIterable<Piece | Ending>,
  request: ReturnType<typeof readTgi>,
): AsyncGenerator<string> {
  let [index, text] = [0, ""];
  for await (const each of pieces) {
    index++;
    if ("text" in each) {
      text += each.text;
      yield JSON.stringify(partTgi(index, each));
    } else {
      yield JSON.stringify(lastTgi(index, text, request, each));
    }
  }
}
