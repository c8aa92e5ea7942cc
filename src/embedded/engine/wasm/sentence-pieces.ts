/** Text into the pieces of a SentencePiece unigram vocabulary: the likeliest way to cut it. */

/** A piece and the logarithm of its probability; its id is its place. */
export type Vocabulary = readonly (readonly [piece: string, score: number])[];

const SPACE = "▁";
/** The first ids are control symbols, which no text spells. */
const RESERVED_IDS = 6;
const UNKNOWN_ID = 0;
/** So much less likely than the rarest piece that it is only taken where nothing else fits. */
const UNKNOWN_PENALTY = 10;

type Step = { readonly score: number; readonly from: number; readonly id: number };

export class SentencePieces {
  private readonly ids = new Map<string, number>();
  private readonly scores: readonly number[];
  private readonly charsMax: number;
  private readonly unknownScore: number;

  constructor(vocabulary: Vocabulary) {
    this.scores = vocabulary.map(([, score]) => score);
    let longest = 1;
    for (const [id, [piece]] of vocabulary.entries()) {
      if (id < RESERVED_IDS) continue;
      this.ids.set(piece, id);
      longest = Math.max(longest, [...piece].length);
    }
    this.charsMax = longest;
    this.unknownScore =
      this.scores.reduce((least, each) => Math.min(least, each), 0) - UNKNOWN_PENALTY;
  }

  /** The ids; several unknown characters in a row count as one. */
  encode(text: string): number[] {
    const words = text.normalize("NFKC").trim();
    if (words === "") return [];
    const chars = [...(SPACE + words.replace(/\s+/g, SPACE))];
    const best = this.bestSteps(chars);
    const ids: number[] = [];
    for (let end = chars.length; end > 0; ) {
      const step = best[end];
      if (!step) break;
      if (step.id !== UNKNOWN_ID || ids.at(-1) !== UNKNOWN_ID) ids.push(step.id);
      end = step.from;
    }
    return ids.reverse();
  }

  /** For every place the best last piece that ends there. */
  private bestSteps(chars: readonly string[]): (Step | undefined)[] {
    const best: (Step | undefined)[] = new Array(chars.length + 1);
    for (let from = 0; from < chars.length; from++) {
      const before = from === 0 ? 0 : (best[from]?.score ?? 0);
      const offer = (end: number, id: number, score: number): void => {
        const total = before + score;
        if (total > (best[end]?.score ?? Number.NEGATIVE_INFINITY))
          best[end] = { score: total, from, id };
      };
      offer(from + 1, UNKNOWN_ID, this.unknownScore);
      let piece = "";
      for (let end = from; end < Math.min(chars.length, from + this.charsMax); end++) {
        piece += chars[end];
        const id = this.ids.get(piece);
        if (id !== undefined) offer(end + 1, id, this.scores[id] ?? 0);
      }
    }
    return best;
  }
}
