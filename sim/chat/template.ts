import type { Piece } from "../tokens.js";

/** Stands where the token will be; the text cannot come from a model id or a prompt by accident. */
export const MARK: Piece = {
  text: "\u0001text\u0001",
  json: '"\\u0001text\\u0001"',
  tokens: 1,
  tokenId: 987_654_321_987,
};
const MARKS = /("\\u0001text\\u0001"|987654321987)/;

/** Cuts a chunk printed with the mark, and fills tokens in. Gives the whole event. */
export function templateOf(sample: string): (piece: Piece) => string {
  const parts = `data: ${sample}\n\n`.split(MARKS);
  return (piece) => {
    let text = parts[0] ?? "";
    for (let i = 1; i < parts.length; i += 2) {
      text += (parts[i] === MARK.json ? piece.json : piece.tokenId) + (parts[i + 1] ?? "");
    }
    return text;
  };
}
