/** Where a URL that somebody else wrote may lead: out into the world, and never back into this network. */
import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv6 } from "node:net";

/** Not the public internet: IANA's special-purpose address registries, read 2026-11. */
const SPECIAL_V4: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Global unicast, of which some is special again. IPv4 in disguise is looked at as what it is. */
const PUBLIC_V6 = new BlockList();
PUBLIC_V6.addSubnet("2000::", 3, "ipv6");
const SPECIAL_V6: readonly (readonly [network: string, prefix: number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const special = new BlockList();
for (const [network, prefix] of SPECIAL_V4) special.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of SPECIAL_V6) special.addSubnet(network, prefix, "ipv6");

const MAPPED_V4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** False for what is no address. */
export function isPublic(address: string): boolean {
  const mapped = MAPPED_V4.exec(address)?.[1];
  if (mapped !== undefined) return isPublic(mapped);
  if (isIP(address) === 0) return false;
  if (isIPv6(address)) {
    return PUBLIC_V6.check(address, "ipv6") && !special.check(address, "ipv6");
  }
  return !special.check(address, "ipv4");
}

/** Why a URL may not be fetched. */
export class ForbiddenUrlError extends Error {}

/** All addresses of a name. Throws ForbiddenUrlError where it has none. */
export type LookUp = (name: string) => Promise<readonly string[]>;

/**
 * The address to connect to, so that a name which changes its mind between this look and the connection changes
 * nothing. Throws ForbiddenUrlError where any of a name's addresses lies inside, but for the `networks` that are allowed.
 */
export async function publicAddressOf(
  host: string,
  networks?: BlockList,
  lookUp: LookUp = addressesOf,
): Promise<string> {
  const name = host.replace(/^\[|\]$/g, "");
  const addresses = isIP(name) > 0 ? [name] : await lookUp(name);
  const [first] = addresses;
  if (first === undefined) throw new ForbiddenUrlError("the name has no address");
  const mayBe = (address: string): boolean =>
    isPublic(address) || (networks !== undefined && isWithin(networks, address));
  if (!addresses.every(mayBe)) throw new ForbiddenUrlError("the address is not a public one");
  return first;
}

const isWithin = (networks: BlockList, address: string): boolean =>
  networks.check(address, isIPv6(address) ? "ipv6" : "ipv4");

async function addressesOf(name: string): Promise<readonly string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new ForbiddenUrlError("the name cannot be found", { cause });
  }
}
