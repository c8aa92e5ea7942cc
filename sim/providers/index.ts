import type { Provider } from "../provider.js";
import { baseten } from "./baseten.js";
import { cerebras } from "./cerebras.js";
import { cohere } from "./cohere.js";
import { deepinfra } from "./deepinfra.js";
import { featherlessAi } from "./featherless-ai.js";
import { fireworksAi } from "./fireworks-ai.js";
import { groq } from "./groq.js";
import { hfInference } from "./hf-inference.js";
import { novita } from "./novita.js";
import { nscale } from "./nscale.js";
import { openai } from "./openai.js";
import { ovhcloud } from "./ovhcloud.js";
import { publicai } from "./publicai.js";
import { scaleway } from "./scaleway.js";
import { together } from "./together.js";
import { zaiOrg } from "./zai-org.js";

/** Every simulated provider. A new one is its file and its line here. */
export const providers: readonly Provider[] = [
  baseten,
  cerebras,
  cohere,
  deepinfra,
  featherlessAi,
  fireworksAi,
  groq,
  hfInference,
  novita,
  nscale,
  openai,
  ovhcloud,
  publicai,
  scaleway,
  together,
  zaiOrg,
];
