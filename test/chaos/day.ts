/** A day in the life of three providers, scene by scene. Rates are shares of requests, times the simulator's own. */
import type { Dials } from "../../sim/dials.js";

export const PROVIDERS = ["groq", "together", "cerebras"] as const;
export type ProviderId = (typeof PROVIDERS)[number];

export type Scene = {
  readonly name: string;
  readonly dials: { readonly [Id in ProviderId]?: Dials };
  /** Nobody can answer: what then counts is how little is tried in vain. */
  readonly isDark?: boolean;
  /** Longer than the others. */
  readonly times?: number;
};

const DOWN: Dials = { fail_rate: 1 };
const STORM: Dials = { rate_limit_rate: 0.9 };
const CUT: Dials = { cut_after_events: 3 };
const SILENT: Dials = { stall_after_events: 0 };

export const DAY: readonly Scene[] = [
  { name: "night: all is well", dials: {} },
  { name: "groq is slow", dials: { groq: { first_token_ms: 80 } } },
  { name: "groq limits", dials: { groq: STORM } },
  {
    name: "groq limits a little at a time",
    dials: { groq: { rate_limit: { after: 40, retry_after: 1 } } },
  },
  { name: "groq is down", dials: { groq: DOWN } },
  { name: "and together limits", dials: { groq: DOWN, together: STORM } },
  { name: "both are back", dials: {} },
  { name: "together fails three times in ten", dials: { together: { fail_rate: 0.3 } } },
  {
    name: "two fail now and then",
    dials: { together: { fail_rate: 0.1 }, cerebras: { fail_rate: 0.1 } },
  },
  { name: "groq breaks off", dials: { groq: CUT } },
  { name: "groq never begins", dials: { groq: SILENT } },
  { name: "together stops in the middle", dials: { together: { stall_after_events: 3 } } },
  { name: "only cerebras is well", dials: { groq: SILENT, together: CUT } },
  {
    name: "only together is well",
    dials: { groq: { answer: "html" }, cerebras: { malformed_after_events: 0 } },
  },
  {
    name: "two keys are refused",
    dials: { together: { auth: "invalid" }, groq: { error_in_200: true } },
  },
  {
    name: "nobody is well",
    dials: { groq: DOWN, together: DOWN, cerebras: DOWN },
    isDark: true,
    times: 3,
  },
  { name: "evening: all are back", dials: {} },
];
