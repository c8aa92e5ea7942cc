/** Where a base URL leads, taken apart once. */
export type Origin = {
  /** For looking up its connections. */
  readonly id: string;
  readonly isTls: boolean;
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  /** Where to connect to: the host, unless its name was looked up before. */
  readonly address: string;
  readonly port: number;
  /** What the Host header says. */
  readonly hostHeader: string;
  /** What every path begins with; empty, or a path without a slash at its end. */
  readonly pathPrefix: string;
};

const HTTPS_PORT = 443;
const HTTP_PORT = 80;

const known = new Map<string, Origin>();

/** With an `address`, connections are made to it, and the name is for the certificate and the Host header. */
export function originOf(baseUrl: string, address?: string): Origin {
  if (address !== undefined) return { ...parse(baseUrl), id: `${baseUrl} ${address}`, address };
  let origin = known.get(baseUrl);
  if (!origin) {
    origin = parse(baseUrl);
    known.set(baseUrl, origin);
  }
  return origin;
}

const guarded = new Map<string, Origin>();

/** Its connections are kept apart from those that nobody judged. */
export function guardedOriginOf(baseUrl: string): Origin {
  let origin = guarded.get(baseUrl);
  if (!origin) {
    origin = { ...parse(baseUrl), id: `guarded ${baseUrl}` };
    guarded.set(baseUrl, origin);
  }
  return origin;
}

function parse(baseUrl: string): Origin {
  const url = new URL(baseUrl);
  const isTls = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return {
    id: baseUrl,
    isTls,
    host,
    address: host,
    port: Number(url.port) || (isTls ? HTTPS_PORT : HTTP_PORT),
    hostHeader: url.host,
    pathPrefix: url.pathname.replace(/\/+$/, ""),
  };
}
