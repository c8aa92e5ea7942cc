/** Where a base URL leads, taken apart once. */
export type Origin = {
  /** As given, for looking up its connections. */
  readonly baseUrl: string;
  readonly isTls: boolean;
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** What the Host header says. */
  readonly hostHeader: string;
  /** What every path begins with; empty, or a path without a slash at its end. */
  readonly pathPrefix: string;
};

const HTTPS_PORT = 443;
const HTTP_PORT = 80;

const known = new Map<string, Origin>();

export function originOf(baseUrl: string): Origin {
  let origin = known.get(baseUrl);
  if (!origin) {
    const url = new URL(baseUrl);
    const isTls = url.protocol === "https:";
    origin = {
      baseUrl,
      isTls,
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port) || (isTls ? HTTPS_PORT : HTTP_PORT),
      hostHeader: url.host,
      pathPrefix: url.pathname.replace(/\/+$/, ""),
    };
    known.set(baseUrl, origin);
  }
  return origin;
}
