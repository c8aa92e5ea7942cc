import { boundedMap } from "../bounded.js";
import type { Dials } from "../dials.js";
import { ASSETS_BYTES_MAX, ASSETS_MAX } from "../limits.js";

/** A file that an answer links to, as on a provider's CDN. */
export type Asset = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  /** Of the request that made it: downloads come without headers of ours. */
  readonly dials: Dials;
};

export type Assets = ReturnType<typeof makeAssets>;

export const makeAssets = () =>
  boundedMap<Asset>({ entries: ASSETS_MAX, bytes: ASSETS_BYTES_MAX }, ({ bytes }) => bytes.length);
