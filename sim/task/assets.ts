import { boundedMap } from "../bounded.js";
import type { Dials } from "../dials.js";
import { ASSETS_BYTES_MAX, ASSETS_MAX } from "../limits.js";
import type { TaskAsk } from "./ask.js";

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

/** Publishes a file and gives its absolute URL on the host that the caller used. */
export function publish(ask: TaskAsk, file: Omit<Asset, "dials">, name: string): string {
  const id = ask.ids.hex(32);
  ask.call.state.assets.set(id, { ...file, dials: ask.dials });
  return ask.dials.asset_url ?? `${ask.origin}/_sim/assets/${id}/${name}`;
}
