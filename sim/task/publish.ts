import type { TaskAsk } from "./ask.js";
import type { Asset } from "./assets.js";

/** Publishes a file and gives its absolute URL on the host that the caller used. */
export function publish(ask: TaskAsk, file: Omit<Asset, "dials">, name: string): string {
  const id = ask.ids.hex(32);
  ask.call.state.assets.set(id, { ...file, dials: ask.dials });
  return ask.dials.asset_url ?? `${ask.origin}/_sim/assets/${id}/${name}`;
}
