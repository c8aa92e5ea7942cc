import { type Reranked, rerank } from "../families/rerank.js";
import type { JsonObject } from "../json.js";
import type { TaskEndpoint } from "../provider.js";
import { json } from "../task/answer.js";

/** Cohere bills searches: a query over up to so many documents. */
const DOCUMENTS_PER_SEARCH = 100;

type Version = "1" | "2";

/** `/v1/rerank` and `/v2/rerank`, as Cohere's own SDK types them; only the first can give documents back. */
export const cohereRerank = (version: Version): TaskEndpoint => ({
  kind: "task",
  method: "POST",
  path: `/v${version}/rerank`,
  task: "text-ranking",
  answer: (ask) => {
    const made = rerank(ask);
    if ("refused" in made) return made;
    const searches = Math.ceil(made.documents.length / DOCUMENTS_PER_SEARCH);
    const withDocuments = version === "1" && ask.json.return_documents === true;
    const meta = { api_version: { version }, billed_units: { search_units: searches } };
    return json(
      { id: ask.ids.uuid(), results: resultsOf(made, withDocuments), meta },
      { units: { requests: searches } },
    );
  },
});

const resultsOf = ({ results, texts }: Reranked, withDocuments: boolean): JsonObject[] =>
  results.map(({ index, score }) => ({
    index,
    relevance_score: score,
    ...(withDocuments ? { document: { text: texts[index] ?? "" } } : {}),
  }));
