/** POST /v1/completions. Source: OpenAI API reference, Completions (legacy). */
import { badRequest } from "../../kernel/errors.js";
import { CHOICES_MAX, MAX_TOKENS_MAX } from "../../kernel/limits.js";
import type { Json } from "../../tasks/task-call.js";
import { asObject } from "../as-object.js";
import { usageWithCost } from "../chat-answer.js";
import type { Door } from "./door.js";
import {
  allBut,
  flag,
  given,
  list,
  mustBe,
  number,
  PLAIN,
  routing,
  someText,
  unsupported,
  whole,
} from "./fields.js";
import { jsonOf } from "./form.js";
import { jsonAnswer, jsonIn, unreadable } from "./print.js";

const READ_HERE = [
  "prompt",
  "max_tokens",
  "stream",
  "stream_options",
  "n",
  "best_of",
  "echo",
  "logprobs",
];

export const completions: Door = {
  parse: (body) => {
    const json = jsonOf(body);
    refuseMore(json);
    checkSampling(json);
    return {
      ...PLAIN,
      ...routing(json),
      tasks: ["text-generation"],
      input: {
        inputs: promptOf(json),
        media: undefined,
        parameters: {
          ...allBut(json, READ_HERE),
          // The task's own name for it; each adapter has its provider's.
          ...given({ max_new_tokens: whole(json, "max_tokens", 1, MAX_TOKENS_MAX) }),
        },
        extra: {},
      },
      isStream: flag(json, "stream"),
      format: "json",
    };
  },
  print: (_asked, delivered, facts) => {
    const { generated_text: text, details } = generatedIn(jsonIn(delivered));
    const finish_reason = finishReasonOf(asObject(details)?.finish_reason);
    const choice = { text, index: 0, logprobs: null, finish_reason };
    const { id, model, at } = facts;
    return jsonAnswer(
      { id, object: "text_completion", created: Math.floor(at / 1000), model, choices: [choice] },
      usageWithCost(undefined, facts.usage, facts.cost),
    );
  },
};

/** One answer is what the task gives: more of them, or what its tokens were, it cannot say. */
function refuseMore(json: Json): void {
  for (const name of ["n", "best_of"]) {
    if ((whole(json, name, 1, CHOICES_MAX) ?? 1) > 1) throw unsupported(name, "one is the most");
  }
  if (flag(json, "echo")) throw unsupported("echo", "the prompt is not repeated");
  if (whole(json, "logprobs", 0, CHOICES_MAX) !== undefined) {
    throw unsupported("logprobs", "providers of completions do not agree on them");
  }
}

function checkSampling(json: Json): void {
  number(json, "temperature", 0, 2);
  number(json, "top_p", 0, 1);
  number(json, "frequency_penalty", -2, 2);
  number(json, "presence_penalty", -2, 2);
  whole(json, "seed", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const stop = json.stop ?? "";
  const isStop = (value: unknown) => typeof value === "string";
  if (!isStop(stop) && !(Array.isArray(stop) && stop.every(isStop))) {
    throw mustBe("stop", "a string or a list of strings");
  }
}

function promptOf(json: Json): string {
  const { prompt } = json;
  if (!Array.isArray(prompt)) return someText(json, "prompt");
  const prompts = list(json, "prompt", Number.MAX_SAFE_INTEGER, (value, name) => {
    if (typeof value === "string") return value;
    if (typeof value === "number" || Array.isArray(value)) {
      throw unsupported("prompt", "tokens mean something to one tokenizer only; send text");
    }
    throw mustBe(name, "a string");
  });
  const [only = "", ...more] = prompts;
  if (more.length > 0) throw unsupported("prompt", "one prompt a request is the most");
  if (only === "") throw badRequest('"prompt" is empty.', "prompt");
  return only;
}

function generatedIn(json: unknown): Json & { readonly generated_text: string } {
  const generated = asObject(Array.isArray(json) ? json[0] : json);
  const text = generated?.generated_text;
  if (typeof text !== "string") throw unreadable("it holds no generated_text");
  return { ...generated, generated_text: text };
}

/** Text Generation Inference's reasons by OpenAI's names; null where the provider gave none. */
function finishReasonOf(reason: unknown): string | null {
  if (reason === "eos_token" || reason === "stop_sequence" || reason === "eos") return "stop";
  return typeof reason === "string" ? reason : null;
}
