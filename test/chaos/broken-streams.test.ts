/**
 * The scenes of the day in which streams break off, with continuation on: none is counted apart any more, so all of them
 * have to come to their end.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { readBooks } from "../crash/support.js";
import { AT_REST } from "../support/app.js";
import { randomFrom } from "../support/random.js";
import { play, type Seen } from "./ask.js";
import { DAY } from "./day.js";
import { startWorld } from "./world.js";

const SEED = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e9));
const SCENES = ["groq breaks off", "together stops in the middle", "only cerebras is well"];
const PER_SCENE = 1_000;
const DAY_MS_MAX = 120_000;

test(
  "with continuation on, 99.9 % of the requests succeed while streams break off, and each part is charged to its provider",
  async () => {
    console.log(`chaos: seed ${SEED}`);
    const world = await startWorld(SEED, {
      provider: { continuation: "final_message" },
      more: { routing: { allow_continuation: true } },
    });
    const random = randomFrom(SEED);
    const seen: Seen[] = [];
    for (const scene of DAY.filter(({ name }) => SCENES.includes(name))) {
      seen.push(...(await play(world, scene, random, PER_SCENE)));
    }
    expect(await world.state()).toEqual(AT_REST);
    const log = await world.log();
    await world.stop();
    const books = await readBooks(join(world.data, "turnpike.sqlite"));
    world.remove();

    const joined = seen.filter(({ restId }) => restId !== undefined);
    const lost = seen.filter(({ how }) => how !== "served");
    console.log(`chaos: ${seen.length} requests, ${joined.length} joined, ${lost.length} lost`);
    expect(seen.length).toBe(SCENES.length * PER_SCENE);
    expect(joined.length).toBeGreaterThan(0);
    expect(lost.length / seen.length).toBeLessThanOrEqual(0.001);

    expect(books.audit.balanced).toBe(true);
    const costs = new Map(books.requests.map(({ id, cost }) => [id, cost]));
    const delivered = new Map(
      log
        .filter(({ outcome }) => outcome === "complete")
        .map(({ clientRequestId, costNanoUsd }) => [clientRequestId ?? "", BigInt(costNanoUsd)]),
    );
    for (const { id, restId, cost } of joined) {
      const parts = [costs.get(id) ?? 0n, costs.get(restId ?? "") ?? 0n] as const;
      expect({ id, sum: parts[0] + parts[1] }).toEqual({ id, sum: cost });
      // The rest was delivered whole; of what was cut only its provider knows for sure, and it told nobody.
      expect({ id, rest: parts[1] }).toEqual({ id, rest: delivered.get(restId ?? "") ?? -1n });
    }
    const told = seen.reduce((sum, { cost }) => sum + cost, 0n);
    const charged = books.requests.reduce((sum, { cost }) => sum + cost, 0n);
    expect(charged).toBe(told);
  },
  DAY_MS_MAX,
);
