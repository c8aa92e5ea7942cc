/** Strings, with the colon behind those that are names, and where objects begin and end. */
const TOKENS = /("(?:[^"\\]|\\.)*")\s*(:?)|[{}]/g;

/** The first name that an object in some valid JSON has twice, which two readers could take two ways. */
export function twiceNamed(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, quoted = "", colon] of json.matchAll(TOKENS)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon) {
      const name = String(JSON.parse(quoted));
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return undefined;
}
