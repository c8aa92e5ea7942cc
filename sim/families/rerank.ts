import { isObject, isString, type Json, type JsonObject } from "../json.js";
import { RERANKED_TEXTS_MAX } from "../limits.js";
import type { TaskEndpoint } from "../provider.js";
import { badRequest, json, type Refused } from "../task/answer.js";
import type { TaskAsk } from "../task/ask.js";
import { type Ranked, ranking, relevances } from "../text/relevance.js";
import { countText } from "../tokens.js";
import { keyOf } from "./openai-embeddings.js";

export type Reranked = {
  readonly results: readonly Ranked[];
  readonly texts: readonly string[];
  readonly documents: readonly Json[];
  readonly promptTokens: number;
};

/** Reads and ranks in the form that Cohere made common: `{model, query, documents, top_n, rank_fields}`. */
export function rerank(ask: TaskAsk): Reranked | Refused {
  const { model, json: body } = ask;
  const { query, documents, top_n: top = undefined } = body;
  if (model === "") return badRequest("model", "you must provide a model parameter");
  if (!isString(query) || query === "") return badRequest("query", "missing field `query`");
  if (!Array.isArray(documents) || documents.length === 0) {
    return badRequest("documents", "missing field `documents`");
  }
  if (documents.length > RERANKED_TEXTS_MAX) {
    return badRequest("documents", `at most ${RERANKED_TEXTS_MAX} documents`);
  }
  if (top !== undefined && top !== null && !(Number.isInteger(top) && Number(top) >= 1)) {
    return badRequest("top_n", "top_n must be a whole number of at least 1");
  }
  const fields = Array.isArray(body.rank_fields) ? body.rank_fields.filter(isString) : undefined;
  const texts = documents.map((document) => textOf(document, fields));
  const scores = relevances(query, texts, keyOf(ask));
  return {
    results: ranking(scores, top === undefined || top === null ? undefined : Number(top)),
    texts,
    documents,
    promptTokens: texts.reduce((sum, text) => sum + countText(text) + countText(query), 0),
  };
}

/** A route that answers the bare results; `list` is what they are called. */
export const rerankRoute = (path: string, list: "data" | "results"): TaskEndpoint => ({
  kind: "task",
  method: "POST",
  path,
  task: "text-ranking",
  answer: (ask) => {
    const made = rerank(ask);
    if ("refused" in made) return made;
    const { promptTokens: tokens } = made;
    const results = made.results.map(({ index, score }) => ({ index, relevance_score: score }));
    const usage = { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens };
    return json({ model: ask.model, [list]: results, usage }, { units: { promptTokens: tokens } });
  },
});

/** The text of a document: itself, its named fields, its `text`, or all it holds. */
function textOf(document: Json, fields: readonly string[] | undefined): string {
  if (isString(document)) return document;
  if (!isObject(document)) return JSON.stringify(document);
  if (fields) return fields.map((field) => lineOf(document, field)).join("\n");
  if (isString(document.text)) return document.text;
  return Object.keys(document)
    .map((field) => lineOf(document, field))
    .join("\n");
}

const lineOf = (document: JsonObject, field: string): string =>
  `${field}: ${isString(document[field]) ? document[field] : JSON.stringify(document[field] ?? "")}`;
