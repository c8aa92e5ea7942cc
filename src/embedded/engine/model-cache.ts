/** The models in memory, the least recently used of which goes when there are too many. */
import type { EmbeddedModel } from "../models.js";
import { Refusal } from "../refusal.js";
import type { Engine, LoadedModel } from "./engine.js";
import { logFailure } from "./failure.js";

export class ModelCache {
  private readonly engine: Engine;
  private readonly countMax: number;
  /** By weights, the least recently used first. */
  private readonly loaded = new Map<string, LoadedModel>();

  constructor(engine: Engine, countMax: number) {
    this.engine = engine;
    this.countMax = countMax;
  }

  /** One at a time: whoever calls this has the engine to itself. */
  async get(model: EmbeddedModel): Promise<LoadedModel> {
    const known = this.loaded.get(model.weights);
    this.loaded.delete(model.weights);
    if (!known) await this.makeRoom();
    const found = known ?? (await this.load(model));
    this.loaded.set(model.weights, found);
    return found;
  }

  private async load(model: EmbeddedModel): Promise<LoadedModel> {
    try {
      return await this.engine.load(model);
    } catch (thrown) {
      logFailure(thrown);
      throw new Refusal(500, `Model ${model.id} could not be loaded.`, {}, { cause: thrown });
    }
  }

  private async makeRoom(): Promise<void> {
    while (this.loaded.size >= this.countMax) {
      const [oldest] = this.loaded;
      if (!oldest) return;
      this.loaded.delete(oldest[0]);
      await oldest[1].unload();
    }
  }
}
