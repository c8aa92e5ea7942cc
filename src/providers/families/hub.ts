/** Where the Hub has what providers fetch from it themselves. */
const HUB = "https://huggingface.co";

export const hubRepository = (modelId: string): string => `${HUB}/${modelId}`;

export const hubFile = (modelId: string, file: string): string =>
  `${hubRepository(modelId)}/resolve/main/${file}`;
