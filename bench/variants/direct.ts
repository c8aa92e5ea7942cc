import { UPSTREAM_MODEL } from "../upstream-answers.js";
import { CHAT_PATH, type Variant } from "./variant.js";

/** The generator speaks to the upstream itself: what the machine and the bench allow at most. */
export const direct: Variant = {
  name: "direct",
  whyNot: async () => undefined,
  start: async ({ upstreamPort }) => ({
    target: {
      port: upstreamPort,
      path: CHAT_PATH,
      headers: { Authorization: "Bearer bench-upstream-key" },
      model: UPSTREAM_MODEL,
    },
    child: undefined,
    pids: [],
    check: async () => undefined,
  }),
};
