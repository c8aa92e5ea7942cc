import { askFor, ownPath, PACES, parsedLink } from "./families/jobs.js";
import { textOf } from "./families/task-input.js";
import { doneWithMedia, failed, mediaAt } from "./families/task-output.js";
import type { Provider, Step, TaskAdapter } from "./provider.js";
import { at, textAt } from "./reply.js";
import { flat, postJson } from "./request.js";

const RESULT = "/v1/get_result";

const textToImage: TaskAdapter = {
  start: (input, { providerModel }) =>
    postJson(`/v1/${providerModel}`, { ...flat(input), prompt: textOf(input) }),
  next: ({ request, json }) =>
    afterLook(json, () => (request.method === "POST" ? pathIn(json) : request.path)),
};

export const blackForestLabs = {
  id: "black-forest-labs",
  name: "Black Forest Labs",
  origin: "https://api.us1.bfl.ai",
  auth: { header: "authorization", scheme: "X-Key" },
  keyVariable: "BFL_API_KEY",
  needsKey: true,
  tasks: { "text-to-image": textToImage },
  routes: [
    { method: "POST", path: "/v1/{model}", tasks: ["text-to-image"] },
    { method: "GET", path: RESULT, tasks: [], job: "id" },
  ],
} as const satisfies Provider;

/** The link has the job in its query. */
function pathIn(json: unknown): string {
  const link = textAt(json, "polling_url");
  return ownPath(link, RESULT) + parsedLink(link).search;
}

/** There are many ways not to get a picture: moderated, not found, an error. */
function afterLook(json: unknown, pathOf: () => string): Step {
  const status = at(json, "status") ?? "Pending";
  if (status === "Ready") return doneWithMedia([mediaAt(json, "result", "sample")]);
  if (status !== "Pending") return failed(at(json, "error") || status);
  return askFor({ path: pathOf(), job: textAt(json, "id") }, PACES["black-forest-labs"].everyMs);
}
