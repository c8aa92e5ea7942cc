/** Providers that registered themselves, and what is known of them. */
import { keyContext } from "./directory.js";

/**
 * `sandbox`: for members of its organization, until it has passed the conformance checks. `staging`: the same, and
 * waiting for the operator. `live`: for everybody. `withdrawn`: for nobody; its id stays its organization's.
 */
const REGISTRATION_STATES = ["sandbox", "staging", "live", "withdrawn"] as const;
export type RegistrationState = (typeof REGISTRATION_STATES)[number];

/** Where a provider is and how it is spoken to: what a conformance report is about. */
export type RegisteredPlace = {
  /** Ends before the dialect's own paths; no slash at the end. */
  readonly baseUrl: string;
  /** The name of a dialect, as `providers/registered.ts` has it. */
  readonly dialect: string;
  /** In lower case: the header that holds the key, and what stands before the key there. */
  readonly authHeader: string;
  readonly authScheme: string;
  /** In lower case: the header of its answers with its own id of the request. */
  readonly requestIdHeader: string;
  /** Where it tells what requests cost; undefined: nowhere. */
  readonly billingUrl: string | undefined;
  /** It need not be asked sooner than this after an answer. */
  readonly billingDelayMs: number;
  /** Where it lists its models and prices. */
  readonly modelsUrl: string;
};

export type Registration = RegisteredPlace & {
  readonly id: string;
  readonly orgId: string;
  /** For people. */
  readonly name: string;
  /** The key that the gateway is known by there, sealed, and its ends for people to tell it by. */
  readonly sealed: string;
  readonly mask: string;
  readonly state: RegistrationState;
  readonly createdAt: number;
  readonly changedAt: number;
  /** When it was last tested as it is now, and whether it passed; undefined: not since it changed. */
  readonly testedAt: number | undefined;
  readonly hasPassed: boolean;
};

export type RegistrationChange = Partial<
  RegisteredPlace & Pick<Registration, "name" | "sealed" | "mask">
>;

/** What a registered provider's key is sealed for. */
export const registrationContext = (id: string): string => keyContext("registered", id);

/** What registrations ask of storage. Every write also records a change, so that other processes reload. */
export type RegistrationStore = {
  readonly loadAll: () => Promise<readonly Registration[]>;
  readonly load: (id: string) => Promise<Registration | undefined>;
  readonly ofOrg: (orgId: string) => Promise<Registration | undefined>;
  /** An organization has one provider, and an id belongs to one organization. */
  readonly add: (registration: Registration) => Promise<"added" | "id_taken" | "org_has_one">;
  /** A new place puts it back into the sandbox, untested; a new name or key does not. */
  readonly change: (id: string, change: RegistrationChange) => Promise<Registration>;
  /** False where its state is no longer `from`, or it is untested where it must have passed. */
  readonly move: (
    id: string,
    step: {
      readonly from: RegistrationState;
      readonly to: RegistrationState;
      readonly mustHavePassed: boolean;
    },
  ) => Promise<boolean>;
  /** Keeps the last report, unless the place was changed since `changedAt`. `report` is JSON. */
  readonly noteReport: (
    id: string,
    tested: {
      readonly at: number;
      readonly changedAt: number;
      readonly hasPassed: boolean;
      readonly report: string;
    },
  ) => Promise<boolean>;
  readonly report: (id: string) => Promise<string | undefined>;
};
