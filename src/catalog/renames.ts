import type { Rename } from "./stored.js";

/** Steps from an id to the one it goes by now; more is a circle. */
const FOLLOWED_MAX = 8;

/** Which models go by another id now. The operator's file has the last word. */
export class Renames {
  private readonly inFile: readonly Rename[];
  private current: ReadonlyMap<string, string> = new Map();
  private former: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(inFile: readonly Rename[]) {
    this.inFile = inFile;
    this.load([]);
  }

  /** Whether anything is different now. */
  load(stored: readonly Rename[]): boolean {
    // The file comes last, so its word is the one that stays.
    const steps = new Map([...stored, ...this.inFile].map(({ from, to }) => [from, to]));
    const ends = [...steps.keys()].map((from) => [from, endOf(steps, from)] as const);
    const before = this.current;
    this.current = new Map(ends.filter(([from, to]) => from !== to));
    const groups = Map.groupBy(this.current, ([, to]) => to);
    this.former = new Map([...groups].map(([to, all]) => [to, all.map(([from]) => from)]));
    const isSame = ([from, to]: readonly [string, string]) => before.get(from) === to;
    return before.size !== this.current.size || ![...this.current].every(isSame);
  }

  /** The id that a model goes by now; its own where nothing else is known. */
  currentOf(id: string): string {
    return this.current.get(id) ?? id;
  }

  /** All ids of a model, the current one first. */
  namesOf(id: string): readonly string[] {
    const former = this.former.get(id);
    return former ? [id, ...former] : [id];
  }
}

function endOf(steps: ReadonlyMap<string, string>, from: string): string {
  let id = from;
  for (let step = 0; step < FOLLOWED_MAX; step++) {
    const next = steps.get(id);
    if (next === undefined) return id;
    id = next;
  }
  return from;
}
