import { rerank } from "../families/rerank.js";
import { isObject } from "../json.js";
import type { TaskEndpoint } from "../provider.js";
import { json } from "../task/answer.js";

/** `/v1/rerank`, compatible with Cohere's request; the answer as Together's SDK types it. */
export const togetherRerank: TaskEndpoint = {
  kind: "task",
  method: "POST",
  path: "/v1/rerank",
  task: "text-ranking",
  answer: (ask) => {
    const made = rerank(ask);
    if ("refused" in made) return made;
    const { promptTokens: tokens } = made;
    const back = ask.json.return_documents === true;
    const documentOf = (index: number) => {
      const document = made.documents[index];
      return isObject(document) ? document : { text: made.texts[index] ?? "" };
    };
    return json(
      {
        object: "rerank",
        id: ask.ids.hex(16),
        model: ask.model,
        results: made.results.map(({ index, score }) => ({
          index,
          document: back ? documentOf(index) : {},
          relevance_score: score,
        })),
        usage: { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens },
      },
      { units: { promptTokens: tokens } },
    );
  },
};
