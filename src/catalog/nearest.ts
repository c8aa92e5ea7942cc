const SUGGESTIONS_MAX = 3;
const COMPARED_CHARS = 128;

/** Up to three of `names` that someone may have meant, best first; none when nothing is close. */
export function nearest(meant: string, names: readonly string[]): readonly string[] {
  const wanted = plain(meant);
  return names
    .map((name) => ({ name, distance: distanceTo(wanted, plain(name)) }))
    .filter(({ distance }) => distance <= Math.max(2, wanted.length / 3))
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, SUGGESTIONS_MAX)
    .map(({ name }) => name);
}

const plain = (name: string): string => name.toLowerCase().slice(0, COMPARED_CHARS);

/** Containing the wanted text, or matching it after the owner, counts as near. */
function distanceTo(wanted: string, name: string): number {
  const short = name.slice(name.indexOf("/") + 1);
  if (wanted.length >= 3 && name.includes(wanted)) return 1;
  return Math.min(editDistance(wanted, name), editDistance(wanted, short) + 1);
}

/** Levenshtein's distance, with one row of memory. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + change);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
