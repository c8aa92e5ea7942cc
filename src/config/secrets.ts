/** A key as a name in the environment. */
const REFERENCE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is wrong with a key written into the file; undefined when it is a reference, or may be the key itself. */
export const keyMistake = (
  written: string | undefined,
  variable: string,
  mayBeLiteral: boolean,
): string | undefined =>
  written === undefined || mayBeLiteral || REFERENCE.test(written)
    ? undefined
    : `expected an environment reference like \${${variable}}; to write keys into this file set "allow_literal_keys: true"`;

/** The key that was written: itself, or what it refers to. Tells the name of a variable that is not set. */
export function readKey(
  written: string | undefined,
  env: Environment,
  tellUnset: (name: string) => void,
): string | undefined {
  const name = REFERENCE.exec(written ?? "")?.[1];
  if (name === undefined) return written;
  if (!env[name]) tellUnset(name);
  return env[name] || undefined;
}
