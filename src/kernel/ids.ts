import { randomBytes } from "node:crypto";

/** Makes ids that sort by time, so that stores append rather than scatter. */
export type IdMaker = () => string;

/** 24 hex characters, as the Hub's clients know resource groups by. */
export const newGroupId: IdMaker = () => randomBytes(12).toString("hex");

export const newId: IdMaker = () => Bun.randomUUIDv7();
