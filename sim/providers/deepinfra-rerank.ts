import { keyOf } from "../families/openai-embeddings.js";
import { isString } from "../json.js";
import { RERANKED_TEXTS_MAX } from "../limits.js";
import type { TaskEndpoint } from "../provider.js";
import { badRequest, json } from "../task/answer.js";
import { relevances } from "../text/relevance.js";
import { countText } from "../tokens.js";

/**
 * DeepInfra's native route for rerankers (its model pages, tab "API"): a query for each document, scores in the
 * order given. One query for all documents is taken, too.
 */
export const deepinfraRerank: TaskEndpoint = {
  kind: "task",
  method: "POST",
  path: "/v1/inference/{model}",
  task: "text-ranking",
  serves: ({ model = "" }) => /rerank/i.test(model),
  answer: (ask) => {
    const { queries, documents } = ask.json;
    if (!Array.isArray(queries) || !queries.every(isString) || queries.length === 0) {
      return badRequest("queries", "field required: queries");
    }
    if (!Array.isArray(documents) || !documents.every(isString)) {
      return badRequest("documents", "field required: documents");
    }
    if (documents.length > RERANKED_TEXTS_MAX) return badRequest("documents", "too many documents");
    if (queries.length > 1 && queries.length !== documents.length) {
      return badRequest("queries", "queries and documents must have the same length");
    }
    const queryOf = (index: number) => queries[queries.length > 1 ? index : 0] ?? "";
    const scores = documents.flatMap((text, index) =>
      relevances(queryOf(index), [text], keyOf(ask)),
    );
    const tokens = documents.reduce((sum, text, index) => {
      return sum + countText(text) + countText(queryOf(index));
    }, 0);
    return json(
      {
        scores,
        input_tokens: tokens,
        request_id: ask.call.requestId,
        inference_status: {
          status: "succeeded",
          runtime_ms: 20 + documents.length,
          cost: 0,
          tokens_generated: 0,
          tokens_input: tokens,
          output_length: 0,
        },
      },
      { units: { promptTokens: tokens } },
    );
  },
};
