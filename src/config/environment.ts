/** Variables of the environment, each checked. An empty one is as good as none; a wrong one throws `ConfigError`. */
import { parseMasterKey } from "../tenants/sealing.js";
import { ConfigError } from "./read-file.js";
import type { Environment } from "./secrets.js";

/** From `least` to `most`. */
export function wholeNumber(
  env: Environment,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new ConfigError(`${name}: expected a whole number from ${least} to ${most}, not "${text}"`);
}

export function secret({ TURNPIKE_SECRET: text }: Environment): string | undefined {
  if (text === undefined || text === "") return undefined;
  if (parseMasterKey(text)) return text;
  throw new ConfigError("TURNPIKE_SECRET: expected 64 hex characters");
}

export function databaseUrl({ DATABASE_URL: url }: Environment): string | undefined {
  if (url === undefined || url === "") return undefined;
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new ConfigError("DATABASE_URL: expected postgres://…");
  return url;
}

const OWNER_TOKEN_CHARS_MIN = 16;

export function ownerToken({ TURNPIKE_OWNER_TOKEN: token }: Environment): string | undefined {
  if (token === undefined || token === "") return undefined;
  if (token.length < OWNER_TOKEN_CHARS_MIN || !/^[\x21-\x7e]+$/.test(token)) {
    throw new ConfigError(
      `TURNPIKE_OWNER_TOKEN: expected at least ${OWNER_TOKEN_CHARS_MIN} printable characters without spaces`,
    );
  }
  return token;
}
