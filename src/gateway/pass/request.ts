/** A request on a provider's own wire: passed on as it came, and metered like any other. */
import type { Mapping } from "../../catalog/model.js";
import type { ProviderRequest } from "../../providers/provider.js";
import type { MeteredCall } from "../task/task-request.js";

export type PassCall = MeteredCall & {
  readonly request: MeteredCall["request"] & {
    readonly mapping: Mapping;
    readonly upstream: ProviderRequest;
    /** Where its text is. */
    readonly text: unknown;
  };
};
