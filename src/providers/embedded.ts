import { hfRoutes, hfTasks } from "./families/hf-tasks.js";
import { bearer, type Provider } from "./provider.js";

/**
 * Our own engines, in the role of hf-inference and on its wire. Whoever starts them replaces the origin by their
 * address and gives the key they were started with; none is configured, so it is not among the built-in providers.
 */
export const embedded = {
  id: "embedded",
  name: "Embedded",
  origin: "http://127.0.0.1",
  auth: bearer,
  keyVariable: undefined,
  needsKey: true,
  // It is this machine, and nothing of a request is written down.
  retainsPrompts: false,
  tasks: hfTasks(),
  routes: hfRoutes,
} as const satisfies Provider;
