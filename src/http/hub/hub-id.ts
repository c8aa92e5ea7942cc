import { createHash } from "node:crypto";

/** 24 hex characters, as the Hub's own ids are, and the same every time. */
export const hubId = (name: string): string =>
  createHash("sha256").update(name).digest("hex").slice(0, 24);
