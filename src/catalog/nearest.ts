const SUGGESTIONS_MAX = 3;
const COMPARED_CHARS = 128;

/** Up to three of `names` that someone may have meant, best first; none when nothing is close. */
export function nearest(meant: string, names: readonly string[]): readonly string[] {
  const wanted = plain(meant);
  const most = Math.max(2, wanted.length / 3);
  return names
    .map((name) => ({ name, distance: distanceTo(wanted, plain(name), most) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, SUGGESTIONS_MAX)
    .map(({ name }) => name);
}

const plain = (name: string): string => name.toLowerCase().slice(0, COMPARED_CHARS);

/** Containing the wanted text, or matching it after the owner, counts as near. */
function distanceTo(wanted: string, name: string, most: number): number {
  const short = name.slice(name.indexOf("/") + 1);
  if (wanted.length >= 3 && name.includes(wanted)) return 1;
  return Math.min(editDistance(wanted, name, most), editDistance(wanted, short, most) + 1);
}

/** Levenshtein's distance, with one row of memory; without end where it is more than `most`. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + change);
    }
    row = next;
    // No way through a row is shorter than its shortest.
    if (Math.min(...row) > most) return Number.POSITIVE_INFINITY;
  }
  return row[b.length] ?? 0;
}
