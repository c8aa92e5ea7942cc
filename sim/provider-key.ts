/** The key in `Authorization: <scheme> <key>`. */
export function keyAfter(scheme: string, headers: Headers): string | undefined {
  const header = headers.get("authorization");
  if (!header?.startsWith(`${scheme} `)) return undefined;
  const key = header.slice(scheme.length + 1).trim();
  return key === "" ? undefined : key;
}
