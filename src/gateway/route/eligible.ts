/** Which mappings of a model can serve a request, and why the others cannot. */
import type { Mapping, Model } from "../../catalog/model.js";
import { priceFault } from "../../metering/priceable.js";
import { roughCost } from "../../metering/rough-cost.js";
import type { Provider } from "../../providers/provider.js";
import { constraintFault } from "../../routing/constraints.js";
import { type Candidate, isAllowed, type KeySource, type Policy } from "../../routing/policy.js";
import type { Task } from "../../tasks/index.js";
import type { Usage } from "../../tasks/usage.js";
import { seesStaging } from "../../tenants/provider-rights.js";
import { NO_CONTROLS } from "../../wire/route-controls.js";
import type { Call, ConfiguredProvider, Gateway } from "../parts.js";

/** What of a gateway a choice is made with: it calls nobody. */
export type Chooser = Pick<
  Gateway,
  "catalog" | "providers" | "directory" | "statistics" | "breakers" | "defaultPolicy" | "dice"
>;

/** What of a request a choice is made for. */
export type Routed = Pick<Call, "request" | "headerKey" | "at" | "startedAt" | "isProbe"> & {
  readonly caller: Pick<Call["caller"], "keyOwner" | "disabledProviders"> & {
    readonly user: Call["caller"]["user"];
    readonly payer: Pick<Call["caller"]["payer"], "name">;
  };
};

/** What the requests of one kind need of whoever serves them. */
export type Wish<C extends Routed> = {
  /** Any of these will do. */
  readonly tasks: (call: C) => readonly Task[];
  /** Whether a provider has a route for a task, of the kind that is wanted. */
  readonly isServed: (provider: Provider, task: Task) => boolean;
  /** Why a mapping cannot serve the request, in a few words. */
  readonly fault: (call: C, mapping: Mapping) => string | undefined;
  /** Why a mapping may turn out to be unable to serve it. */
  readonly doubt: (call: C, mapping: Mapping) => string | undefined;
  /** Which of the request's parameters the provider would leave out or refuse, as a reason not to ask it. */
  readonly unmet: (call: C, provider: Provider, mapping: Mapping) => string | undefined;
  /** What the request would use there, as far as one can tell: to compare prices. */
  readonly expectedUsage: (chooser: Chooser, call: C, mapping: Mapping) => Usage;
};

/** Among what a request looks for somebody to serve it. */
export type Search = {
  readonly model: Model;
  readonly tasks: readonly Task[];
  readonly policy: Policy;
};

/**
 * All who can serve a request, in no order. What it would cost there is worked out only where candidates are compared
 * by it.
 */
export function candidatesOf<C extends Routed>(
  chooser: Chooser,
  call: C,
  wish: Wish<C>,
  { model, tasks, policy }: Search,
): readonly Candidate[] {
  const candidates: Candidate[] = [];
  const isByCost = policy.kind === "cheapest";
  for (const mapping of model.mappings) {
    if (!tasks.includes(mapping.task)) continue;
    if (!isAllowed(call.request, policy, mapping.provider)) continue;
    const checked = checkMapping(chooser, call, wish, mapping);
    if (typeof checked === "string") continue;
    candidates.push(isByCost ? withCost(chooser, call, wish, checked) : checked);
  }
  return candidates;
}

const withCost = <C extends Routed>(
  chooser: Chooser,
  call: C,
  wish: Wish<C>,
  { mapping, keySource, doubt }: Candidate,
): Candidate => ({
  mapping,
  keySource,
  expectedCost: expectedCost(chooser, call, wish, mapping, keySource),
  doubt,
});

/** Said of a mapping that only the organization's settings stand in the way of, or the caller's own. */
export const DISABLED = "disabled by the organization that pays";
export const DISABLED_BY_CALLER = "disabled in your preferences";

/** Why a provider is not to be asked for a caller; undefined where it may be. */
export function disablement(
  { disabledProviders, user }: Pick<Call["caller"], "disabledProviders" | "user">,
  provider: string,
): string | undefined {
  if (!disabledProviders.includes(provider)) return undefined;
  return user.disabledProviders.includes(provider) ? DISABLED_BY_CALLER : DISABLED;
}

/** A candidate, or in a few words why this mapping cannot serve the request. */
export function checkMapping<C extends Routed>(
  chooser: Chooser,
  call: C,
  wish: Wish<C>,
  mapping: Mapping,
): Candidate | string {
  const configured = chooser.providers.get(mapping.provider);
  if (!configured) return "unknown provider";
  const { provider, isForItsOrg } = configured;
  if (!wish.isServed(provider, mapping.task)) return `has no route for ${mapping.task}`;
  const disabled = disablement(call.caller, mapping.provider);
  if (disabled !== undefined) return disabled;
  if (isForItsOrg && !call.isProbe) {
    if (!seesStaging(chooser.directory, call.caller, mapping.provider)) return "is not live yet";
  }
  // What is wrong with a mapping is what a probe is there to find out.
  const obstacle = call.isProbe ? undefined : obstacleOf(chooser, call, wish, mapping);
  if (obstacle !== undefined) return obstacle;
  const keySource = findKey(chooser, call, configured);
  if (keySource === undefined) {
    return `needs a key (${provider.keyVariable ?? "providers: api_key"})`;
  }
  const isCharged = keySource === "operator" && !mapping.isFree;
  const fault =
    (isCharged ? faultOf(mapping) : undefined) ??
    controlsFault(call, wish, provider, mapping, isCharged);
  return fault ?? { mapping, keySource, expectedCost: 0, doubt: wish.doubt(call, mapping) };
}

function obstacleOf<C extends Routed>(
  chooser: Chooser,
  call: C,
  wish: Wish<C>,
  mapping: Mapping,
): string | undefined {
  if (mapping.status === "live" || isStagedFor(chooser, call, mapping)) {
    return wish.fault(call, mapping);
  }
  return `status ${mapping.status}`;
}

function controlsFault<C extends Routed>(
  call: C,
  wish: Wish<C>,
  provider: Provider,
  mapping: Mapping,
  isCharged: boolean,
): string | undefined {
  const { controls } = call.request;
  if (controls === NO_CONTROLS) return undefined;
  const { retainsPrompts } = provider;
  const fault = constraintFault(controls, { mapping, retainsPrompts, isCharged });
  if (fault !== undefined || !controls.requireParameters) return fault;
  return wish.unmet(call, provider, mapping);
}

/** What is in staging is nobody's to know of but its provider's people. */
export const isSeenBy = (chooser: Chooser, call: Routed, mapping: Mapping): boolean =>
  mapping.status !== "staging" || call.isProbe === true || isStagedFor(chooser, call, mapping);

/** Before it is live, a mapping can be called by the people of its provider. */
const isStagedFor = ({ directory }: Chooser, { caller }: Routed, mapping: Mapping): boolean =>
  mapping.status === "staging" && seesStaging(directory, caller, mapping.provider);

/** Looked for once: another price is another mapping. */
const faults = new WeakMap<Mapping, { readonly fault: string | undefined }>();

function faultOf(mapping: Mapping): string | undefined {
  let known = faults.get(mapping);
  if (!known) {
    known = { fault: priceFault(mapping.task, mapping.price) };
    faults.set(mapping, known);
  }
  return known.fault;
}

/** Whose key a provider would be called with. */
export function findKey(
  { directory }: Chooser,
  { headerKey, caller }: Routed,
  { provider, key }: ConfiguredProvider,
): KeySource | undefined {
  if (headerKey !== undefined) return "header";
  if (directory.providerKey(caller.keyOwner, provider.id) !== undefined) return "stored";
  return key !== undefined || !provider.needsKey ? "operator" : undefined;
}

/** In nano-USD, about. */
function expectedCost<C extends Routed>(
  chooser: Chooser,
  call: C,
  wish: Wish<C>,
  mapping: Mapping,
  keySource: KeySource,
): number {
  if (keySource !== "operator" || mapping.isFree || !mapping.price) return 0;
  return roughCost(wish.expectedUsage(chooser, call, mapping), mapping.price);
}
