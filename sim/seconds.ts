import type { Usage } from "./chat/answer.js";

/** Seconds a provider would claim to have worked: made from the counts, so that they repeat. */
export const secondsFor = (usage: Usage) => ({
  queue: 0.0001,
  prompt: usage.prompt * 0.00005,
  completion: usage.completion * 0.0005,
  total: 0.0001 + usage.prompt * 0.00005 + usage.completion * 0.0005,
});

export const millisecondsFor = (usage: Usage): string =>
  String(Math.ceil(secondsFor(usage).total * 1000));
