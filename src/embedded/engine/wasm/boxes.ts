/** Boxes around things: which of them are the same thing. */

export type Box = {
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
};

export type Detection = { readonly label: string; readonly score: number; readonly box: Box };

const area = ({ xmin, ymin, xmax, ymax }: Box): number =>
  Math.max(0, xmax - xmin) * Math.max(0, ymax - ymin);

/** What two boxes share, as a part of what they cover together. */
function overlap(a: Box, b: Box): number {
  const shared = area({
    xmin: Math.max(a.xmin, b.xmin),
    ymin: Math.max(a.ymin, b.ymin),
    xmax: Math.min(a.xmax, b.xmax),
    ymax: Math.min(a.ymax, b.ymax),
  });
  const together = area(a) + area(b) - shared;
  return together === 0 ? 0 : shared / together;
}

/** The surest of each cluster of one label, the surest first. */
export function withoutRepeats(detections: readonly Detection[], overlapMax: number): Detection[] {
  const kept: Detection[] = [];
  for (const each of detections.toSorted((a, b) => b.score - a.score)) {
    const isRepeat = kept.some(
      ({ label, box }) => label === each.label && overlap(box, each.box) > overlapMax,
    );
    if (!isRepeat) kept.push(each);
  }
  return kept;
}
