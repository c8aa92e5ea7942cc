/** `X-Turnpike-Tags: team=search,env=prod`: what a caller wants usage told apart by. Attribution only. */
import { badRequest } from "../kernel/errors.js";
import { TAG_CHARS_MAX, TAG_NAME_CHARS_MAX, TAGS_MAX } from "../kernel/limits.js";

/** Where tags are written, as its errors name it. */
type Place = { readonly title: string; readonly param: string };

const HEADER: Place = { title: "X-Turnpike-Tags", param: "x-turnpike-tags" };
const NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,${TAG_NAME_CHARS_MAX - 1}}$`);
const VALUE = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,${TAG_CHARS_MAX - 1}}$`);

export const NO_TAGS: readonly string[] = [];

/** Tags as `name=value`, in the order of their names; throws a RouterError that says which of them is wrong. */
export function parseTags(header: string | null, place = HEADER): readonly string[] {
  return header === null || header.trim() === "" ? NO_TAGS : readTags(header, place);
}

function readTags(header: string, place: Place): readonly string[] {
  const tags = header.split(",");
  const refuse = (why: string) => badRequest(`${place.title} ${why}.`, place.param);
  if (tags.length > TAGS_MAX) throw refuse(`has ${tags.length} tags, and ${TAGS_MAX} is the most`);
  const byName = new Map<string, string>();
  for (const tag of tags) {
    const [name, value] = parseTag(tag.trim(), refuse);
    if (byName.has(name)) throw refuse(`has "${name}" twice`);
    byName.set(name, value);
  }
  return [...byName].map(([name, value]) => `${name}=${value}`).sort();
}

function parseTag(
  tag: string,
  refuse: (why: string) => Error,
): readonly [name: string, value: string] {
  const at = tag.indexOf("=");
  const [name, value] = [tag.slice(0, at), tag.slice(at + 1)];
  const shown = tag.slice(0, TAG_NAME_CHARS_MAX);
  if (at < 0) throw refuse(`has "${shown}", which is no name=value`);
  if (!NAME.test(name)) {
    throw refuse(
      `has "${shown}": a name is 1 to ${TAG_NAME_CHARS_MAX} letters, digits, dots, dashes and underscores, and begins with a letter or digit`,
    );
  }
  if (!VALUE.test(value)) {
    throw refuse(
      `has "${shown}": a value is 1 to ${TAG_CHARS_MAX} letters, digits and . _ - : / @ +, and begins with a letter or digit`,
    );
  }
  return [name, value];
}
