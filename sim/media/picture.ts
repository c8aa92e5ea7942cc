export type Size = { readonly width: number; readonly height: number };

export type Colour = readonly [red: number, green: number, blue: number];

/** What a picture encoder draws: a gradient between two colours. */
export type Picture = {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
  readonly from: Colour;
  readonly to: Colour;
  /** The file is at least so large. */
  readonly bytesMin: number;
};
