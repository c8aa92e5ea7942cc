import { RouterError } from "../../kernel/errors.js";
import { NAME_CHARS_MAX } from "../../kernel/limits.js";
import type { Caller } from "../../tenants/caller.js";
import type { Site, Visit } from "../parts.js";

/** Longer than any `<organization>/<resource group>`. */
const BILL_TO_CHARS_MAX = 2 * NAME_CHARS_MAX + 1;

/** The caller with whoever `X-HF-Bill-To` names as the payer; an organization never pays without being named. */
export function billedCaller({ gateway }: Site, visit: Visit, caller: Caller): Caller {
  const name = visit.request.headers.get("x-hf-bill-to");
  if (name === null || name === caller.user.name) return caller;
  const billed = gateway.directory.organizations.billTo(caller, name);
  if (billed.ok) return billed.caller;
  if (billed.why === "not_a_member") {
    const payers = gateway.directory.organizations.payersFor(caller.user.id);
    throw notAMember(name, "X-HF-Bill-To: ", ` ${yours(payers)}`);
  }
  const who = billed.org.access === "admins" ? "admins" : "members of chosen resource groups";
  throw new RouterError(
    "forbidden",
    `X-HF-Bill-To: ${billed.org.name} lets only its ${who} bill to it. Without the header you pay yourself.`,
  );
}

/** So many names fit into a sentence. */
const PAYERS_TOLD = 5;

function yours(payers: readonly string[]): string {
  if (payers.length === 0) return "There is none that you may bill to.";
  const more = payers.length > PAYERS_TOLD ? ", …" : "";
  return `You may bill to ${payers.slice(0, PAYERS_TOLD).join(", ")}${more}.`;
}

/** The same for an organization that is somebody else's and for none, so that nobody can find out which there are. */
export const notAMember = (name: string, where = "", hint = ""): RouterError =>
  new RouterError(
    "not_a_member",
    `${where}"${name.slice(0, BILL_TO_CHARS_MAX)}" is no organization or resource group of yours.${hint}`,
  );
