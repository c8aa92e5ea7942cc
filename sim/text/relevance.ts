import { cosine, vectorFor } from "./vectors.js";

const LENGTH = 512;

export type Ranked = { readonly index: number; readonly score: number };

/** How well each document answers the query, between 0 and 1. */
export function relevances(query: string, documents: readonly string[], key: string): number[] {
  const asked = vectorFor(query, LENGTH, key);
  return documents.map((text) => relevance(cosine(asked, vectorFor(text, LENGTH, key))));
}

/** Rerankers answer with a sigmoid: most of what is not close is near to nothing. */
const relevance = (near: number): number => 1 / (1 + Math.exp(-12 * (near - 0.35)));

/** The best first; of equals the first given. */
export const ranking = (scores: readonly number[], top = scores.length): Ranked[] =>
  scores
    .map((score, index) => ({ index, score }))
    .sort((left, right) => right.score - left.score || left.index - right.index)
    .slice(0, top);
