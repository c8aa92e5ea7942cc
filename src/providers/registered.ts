/** The dialects that a provider may register with, each known by the family it belongs to. */
import { hfRoutes, hfTasks } from "./families/hf-tasks.js";
import { openAiSpeech, openAiTranscription } from "./families/openai-audio.js";
import { openAiImages } from "./families/openai-images.js";
import { openAiCompatible } from "./openai-compatible.js";
import type { Auth, Provider } from "./provider.js";
import { modelRoute } from "./request.js";

type Spoken = Pick<Provider, "tasks" | "routes" | "listing">;

/** Every task of OpenAI's API that has one form for all; `origin` ends before `/chat/completions`. */
function openAi(id: string, origin: string): Spoken {
  const { listing, tasks, routes = [] } = openAiCompatible(id, origin);
  return {
    ...(listing && { listing }),
    tasks: {
      ...tasks,
      "text-to-image": openAiImages({ path: "/images/generations" }),
      "text-to-speech": openAiSpeech({ path: "/audio/speech", voice: "alloy" }),
      "automatic-speech-recognition": openAiTranscription({ path: "/audio/transcriptions" }),
    },
    routes: [
      ...routes,
      modelRoute("/images/generations", "text-to-image"),
      modelRoute("/audio/speech", "text-to-speech"),
      modelRoute("/audio/transcriptions", "automatic-speech-recognition"),
    ],
  };
}

const SPOKEN = {
  "openai-compatible": openAi,
  "hf-inference": (): Spoken => ({ tasks: hfTasks(), routes: hfRoutes }),
} as const;

export type Dialect = keyof typeof SPOKEN;
export const DIALECTS = Object.keys(SPOKEN) as readonly Dialect[];

type Named = {
  readonly id: string;
  readonly name: string;
  readonly origin: string;
  readonly auth: Auth;
  readonly requestIdHeader: string;
};

/** Throws for a dialect that is none: what is stored was checked when it was registered. */
export function registeredProvider(dialect: string, named: Named): Provider {
  const known = DIALECTS.find((each) => each === dialect);
  if (!known) throw new Error(`there is no dialect "${dialect}"`);
  const spoken = SPOKEN[known](named.id, named.origin);
  return { ...named, ...spoken, keyVariable: undefined, needsKey: true };
}
