/** What a sound encoder plays. */
export type Sound = {
  readonly seconds: number;
  /** Samples per second. */
  readonly rate: number;
  readonly pitch: number;
  readonly seed: number;
  readonly bytesMin: number;
};
