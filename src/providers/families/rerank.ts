/** Reranking in the form that Cohere made common: a query, documents, and results in order of relevance. */
import { badRequest } from "../../kernel/errors.js";
import { parseUsage } from "../../tasks/openai-usage.js";
import type { Json, TaskInput } from "../../tasks/task-call.js";
import { noUsage, type Usage } from "../../tasks/usage.js";
import type { ProviderReply, TaskAdapter } from "../provider.js";
import { at, listAt, MalformedReply } from "../reply.js";
import { doneWith, flat, postJson, without } from "../request.js";
import { inputUsage } from "./openai-embeddings.js";

type Ranked = { readonly index: number; readonly score: number };

/**
 * `form` is the name of the documents. `texts` is what Text Embeddings Inference knows; it answers a bare list and
 * has no `top_n`.
 */
export const rerank = (path: string, form: "documents" | "texts" = "documents"): TaskAdapter => ({
  start: (input, { providerModel }) => {
    const { query, documents } = questionOf(input);
    return postJson(path, {
      ...withoutDocuments(input),
      query,
      [form]: documents,
      model: providerModel,
    });
  },
  next: (reply) => doneWith(topOf(reply, resultsIn(reply.json)), usageIn(reply)),
});

/**
 * DeepInfra's own route for rerankers: a query for each document, and scores in the documents' order. It has no
 * `top_n`, so all are answered; whoever asked for fewer cuts them.
 */
export const rerankByScores = (path: (model: string) => string): TaskAdapter => ({
  start: (input, { providerModel }) => {
    const { query, documents } = questionOf(input);
    const rest = without(withoutDocuments(input), "top_n");
    return postJson(path(providerModel), {
      ...rest,
      queries: documents.map(() => query),
      documents,
    });
  },
  next: ({ json }) => {
    const scores = listAt(json, "scores").map((score, index) => rankedOf({ index, score }));
    return doneWith(
      scores.sort((a, b) => b.score - a.score),
      inputTokens(at(json, "input_tokens")),
    );
  },
});

type Question = { readonly query: string; readonly documents: readonly unknown[] };

/** A question and its documents, or the same in the words of sentence-similarity, which our door for both uses. */
function questionOf({ inputs }: TaskInput): Question {
  const query = at(inputs, "query") ?? at(inputs, "source_sentence");
  const documents = at(inputs, "documents") ?? at(inputs, "sentences");
  if (typeof query !== "string") throw badRequest("`query` must be text.", "query");
  if (!Array.isArray(documents)) throw badRequest("`documents` must be a list.", "documents");
  return { query, documents };
}

/** Whoever asked has the documents, so no provider needs to send them back. */
const withoutDocuments = (input: TaskInput): Json => without(flat(input), "return_documents");

/** `results` with Cohere and most others, `data` with Fireworks, the list itself with Text Embeddings Inference. */
function resultsIn(json: unknown): Ranked[] {
  const found = [json, at(json, "results"), at(json, "data")].find((one) => Array.isArray(one));
  return listAt(found).map(rankedOf);
}

function rankedOf(result: unknown): Ranked {
  const index = at(result, "index");
  const score = at(result, "relevance_score") ?? at(result, "score");
  if (typeof index === "number" && typeof score === "number") return { index, score };
  throw new MalformedReply("a result without index and score");
}

/** Not all servers know `top_n`. */
function topOf({ request }: ProviderReply, results: Ranked[]): Ranked[] {
  const most = request.body?.kind === "json" ? at(request.body.json, "top_n") : undefined;
  return typeof most === "number" ? results.slice(0, most) : results;
}

/** In `usage` as everywhere, in `meta.tokens` with Cohere, in a header with Text Embeddings Inference. */
function usageIn({ json, header }: ProviderReply): Usage | undefined {
  const usage = at(json, "usage");
  if (usage !== undefined) return inputUsage(usage);
  const tokens = at(json, "meta", "tokens", "input_tokens");
  return inputTokens(tokens ?? Number(header("x-compute-tokens")));
}

const inputTokens = (count: unknown): Usage | undefined =>
  parseUsage({ prompt_tokens: count, completion_tokens: noUsage.outputTokens });
