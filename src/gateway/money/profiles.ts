/** What a caller's requests over one mapping have in common, made once: every request writes it down twice. */
import type { Mapping, Price } from "../../catalog/model.js";
import { type Profile, profileOf } from "../../ledger/profile.js";
import type { Candidate } from "../../routing/policy.js";
import type { Caller } from "../../tenants/caller.js";
import { chargedPrice } from "./funds.js";

type ByMapping = WeakMap<Mapping, Profile>;

/** With the operator's key and with the caller's own. Callers and mappings are made anew when they change. */
const operators = new WeakMap<Caller, ByMapping>();
const own = new WeakMap<Caller, ByMapping>();

/** The same object every time. */
export function profileFor(caller: Caller, candidate: Candidate): Profile {
  const known = candidate.keySource === "operator" ? operators : own;
  const there = known.get(caller)?.get(candidate.mapping);
  if (there) return there;
  const profile = newProfile(caller, candidate);
  const byMapping: ByMapping = known.get(caller) ?? new WeakMap();
  known.set(caller, byMapping.set(candidate.mapping, profile));
  return profile;
}

function newProfile(caller: Caller, candidate: Candidate): Profile {
  const { mapping, keySource } = candidate;
  return profileOf({
    userId: caller.user.id,
    tokenId: caller.token.id,
    payer: caller.payerId,
    groupId: caller.groupId,
    model: mapping.modelId,
    task: mapping.task,
    provider: mapping.provider,
    isOwnKey: keySource !== "operator",
    price: priceList(chargedPrice(candidate)),
  });
}

const priceList = (price: Price): readonly string[] =>
  Object.entries(price).flatMap(([unit, each]) => [unit, String(each)]);
