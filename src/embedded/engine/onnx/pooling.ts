/** How a sentence's numbers are made of those of its tokens. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Pooling = "mean" | "cls" | "last_token";

/** As the model's authors say in the file that sentence-transformers reads; where they say nothing, the mean. */
export function poolingOf(folder: string): Pooling {
  const file = join(folder, "1_Pooling", "config.json");
  if (!existsSync(file)) return "mean";
  const said = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, unknown>>;
  if (said.pooling_mode_cls_token === true) return "cls";
  return said.pooling_mode_lasttoken === true ? "last_token" : "mean";
}
