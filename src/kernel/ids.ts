/** Makes ids that sort by time, so that stores append rather than scatter. */
export type IdMaker = () => string;

export const newId: IdMaker = () => Bun.randomUUIDv7();
