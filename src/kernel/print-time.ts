/** Moments, in milliseconds UTC, as they are told: `2026-11-29T12:00:00.000Z`. */
export const printTime = (at: number): string => new Date(at).toISOString();

export const printTimeOrNull = (at: number | undefined): string | null =>
  at === undefined ? null : printTime(at);

/** The UTC day of a moment: `2026-11-29`. */
export const printDay = (at: number): string => printTime(at).slice(0, 10);
