/** Where a provider that registered itself may be reached: whoever wrote its URL is not the operator. */
import { BlockList, isIPv6 } from "node:net";
import { ForbiddenUrlError, type LookUp, publicAddressOf } from "./public-address.js";

/**
 * Judges a host, and gives the address to connect to. Asked before every new connection, which is made to that
 * address and no other. Throws ForbiddenUrlError.
 */
export type Guard = (host: string) => Promise<string>;

export type NetworkRange = { readonly address: string; readonly prefix: number };

export type Reach = {
  /** Networks of the operator's own that registered providers may be in. */
  readonly networks: readonly NetworkRange[];
  /** Whether they may be reached without TLS. */
  readonly mayUseHttp: boolean;
};

/** Lets through what is public, and the operator's own networks that are listed. `lookUp` in place of DNS. */
export function guardFor({ networks }: Reach, lookUp?: LookUp): Guard {
  const allowed = new BlockList();
  for (const { address, prefix } of networks) {
    allowed.addSubnet(address, prefix, isIPv6(address) ? "ipv6" : "ipv4");
  }
  return (host) => publicAddressOf(host, allowed, lookUp);
}

/** Throws ForbiddenUrlError for a URL that no registered provider may have, before anything is sent to it. */
export async function judgeUrl(url: string, reach: Reach, guard: Guard): Promise<void> {
  const place = URL.canParse(url) ? new URL(url) : undefined;
  if (place?.protocol !== "https:" && place?.protocol !== "http:") {
    throw new ForbiddenUrlError("it is no http or https URL");
  }
  if (place.protocol === "http:" && !reach.mayUseHttp) {
    throw new ForbiddenUrlError("it must begin with https://");
  }
  if (place.username !== "" || place.password !== "") {
    throw new ForbiddenUrlError("it holds a name or password");
  }
  if (place.search !== "" || place.hash !== "") {
    throw new ForbiddenUrlError("it holds a query or fragment");
  }
  await guard(place.hostname);
}
