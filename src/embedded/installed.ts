/** Whether what a model needs is on this machine. */
import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { EmbeddedModel } from "./models.js";

/** The single-file executable has neither the engines nor a place to install them. */
const IS_WHOLE = existsSync(join(import.meta.dir, "engine", "main.ts"));

/** Undefined where it can run; else why not, and the command that helps. */
export function whyNot({ id, packages, weights }: EmbeddedModel): string | undefined {
  if (!IS_WHOLE)
    return `Model ${id} needs Turnpike as npm installs it; this executable has no engines.`;
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length > 0) {
    return `Model ${id} needs ${missing.join(" and ")}. Add it with: npm install ${missing.join(" ")}`;
  }
  if (isAbsolute(weights) && !existsSync(weights)) {
    return `The weights of model ${id} are gone from ${weights}. Add them again with: turnpike model add`;
  }
  return undefined;
}

export function isInstalled(name: string): boolean {
  try {
    Bun.resolveSync(`${name}/package.json`, import.meta.dir);
    return true;
  } catch {
    return false;
  }
}
