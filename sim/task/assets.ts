import type { Dials } from "../dials.js";
import { ASSETS_MAX } from "../limits.js";
import type { TaskAsk } from "./ask.js";

/** A file that an answer links to, as on a provider's CDN. */
export type Asset = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  /** Of the request that made it: downloads come without headers of ours. */
  readonly dials: Dials;
};

export type Assets = {
  readonly add: (asset: Asset, id: string) => void;
  readonly find: (id: string) => Asset | undefined;
  readonly clear: () => void;
};

/** Keeps the newest `max` assets. */
export function makeAssets(max: number = ASSETS_MAX): Assets {
  const assets = new Map<string, Asset>();
  return {
    add(asset, id) {
      assets.set(id, asset);
      const [oldest] = assets.keys();
      if (assets.size > max && oldest !== undefined) assets.delete(oldest);
    },
    find: (id) => assets.get(id),
    clear: () => assets.clear(),
  };
}

/** Publishes a file and gives its absolute URL on the host that the caller used. */
export function publish(ask: TaskAsk, file: Omit<Asset, "dials">, name: string): string {
  const id = ask.ids.hex(32);
  ask.call.state.assets.add({ ...file, dials: ask.dials }, id);
  return ask.dials.asset_url ?? `${ask.origin}/_sim/assets/${id}/${name}`;
}
