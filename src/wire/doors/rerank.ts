/** POST /v1/rerank. Sources: Cohere API reference, Rerank; Jina AI's, whose shapes are nearly the same. */
import { RERANK_DOCUMENTS_MAX } from "../../kernel/limits.js";
import { asObject } from "../as-object.js";
import type { Asked, Door } from "./door.js";
import {
  allBut,
  flag,
  list,
  mustBe,
  PLAIN,
  routing,
  someText,
  unsupported,
  whole,
} from "./fields.js";
import { jsonOf } from "./form.js";
import { jsonAnswer, jsonIn, unreadable, usageOf } from "./print.js";

const READ_HERE = ["query", "documents", "top_n", "return_documents"];

export const rerank: Door = {
  parse: (body) => {
    const json = jsonOf(body);
    if (json.rank_fields != null) throw unsupported("rank_fields", "documents are text");
    const sentences = list(json, "documents", RERANK_DOCUMENTS_MAX, textOfDocument);
    const topN = whole(json, "top_n", 1, Number.MAX_SAFE_INTEGER) ?? sentences.length;
    return {
      ...PLAIN,
      ...routing(json),
      // Both take this input: how near each sentence is to the first is what a ranking is made of.
      tasks: ["text-ranking", "sentence-similarity"],
      input: {
        inputs: { source_sentence: someText(json, "query"), sentences },
        media: undefined,
        parameters: allBut(json, READ_HERE),
        extra: {},
      },
      format: "json",
      ranking: { topN, returnsDocuments: flag(json, "return_documents") },
    };
  },
  print: (asked, delivered, facts) => {
    const documents = documentsOf(asked);
    const { topN = documents.length, returnsDocuments = false } = asked.ranking ?? {};
    const results = scoresIn(jsonIn(delivered), documents.length)
      .toSorted((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, topN)
      .map(({ index, score }) => ({
        index,
        relevance_score: score,
        ...(returnsDocuments && { document: { text: documents[index] } }),
      }));
    const { inputTokens } = facts.usage;
    return jsonAnswer(
      { id: facts.id, model: facts.model, results, meta: { api_version: { version: "2" } } },
      usageOf({ prompt_tokens: inputTokens, total_tokens: inputTokens }, facts),
    );
  },
};

function textOfDocument(value: unknown, name: string): string {
  const text = asObject(value)?.text ?? value;
  if (typeof text === "string" && text !== "") return text;
  throw mustBe(name, 'a string that is not empty, or an object with one as its "text"');
}

function documentsOf({ input }: Asked): readonly string[] {
  const sentences = asObject(input.inputs)?.sentences;
  return Array.isArray(sentences) ? sentences : [];
}

type Scored = { readonly index: number; readonly score: number };

/** A score for each in their order, or in any order with the index beside it (Text Embeddings Inference). */
function scoresIn(json: unknown, count: number): readonly Scored[] {
  if (!Array.isArray(json)) throw unreadable("it is no list of scores");
  const scores = json.map((entry: unknown, i): Scored => {
    const { index = i, score = entry } = asObject(entry) ?? {};
    const isDocument = typeof index === "number" && index >= 0 && index < count;
    if (!isDocument || typeof score !== "number") throw unreadable("it is no list of scores");
    return { index, score };
  });
  // Some answer with the best only; none may answer twice.
  if (new Set(scores.map(({ index }) => index)).size < scores.length) {
    throw unreadable("it has two scores for one document");
  }
  return scores;
}
