/** The built-in provider: hf-inference's wire on an address of this machine, real models behind it. */
import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "../kernel/clock.js";
import { type Log, reasonOf } from "../kernel/log.js";
import { addedModels } from "./added-models.js";
import { openDoor } from "./door.js";
import { EngineHost } from "./engine-host.js";
import { whyNot } from "./installed.js";
import { type EmbeddedLimits, embeddedLimits } from "./limits.js";
import { BUILT_IN_MODELS, type EmbeddedModel, type EngineName } from "./models.js";
import { Refusal } from "./refusal.js";

export type EmbeddedOptions = {
  /** The data folder, in which added models are. */
  readonly folder: string;
  readonly log: Log;
  readonly clock?: Clock;
  readonly limits?: Partial<EmbeddedLimits>;
};

export type Embedded = {
  readonly origin: string;
  /** What the door wants as a bearer token: made at every start, and never written down. */
  readonly key: string;
  /** All that could be asked for, whether or not what it needs is installed. */
  readonly models: () => readonly EmbeddedModel[];
  /** The process of an engine, while there is one. */
  readonly pid: (engine: EngineName) => number | undefined;
  readonly stop: () => Promise<void>;
};

/** Opens the door only; an engine starts with the first request for it. */
export function startEmbedded(options: EmbeddedOptions): Embedded {
  const { log, clock = systemClock } = options;
  const limits = { ...embeddedLimits, ...options.limits };
  const key = randomBytes(24).toString("hex");
  const hosts = new Map<EngineName, EngineHost>();
  const hostOf = (name: EngineName): EngineHost => {
    const host = hosts.get(name) ?? new EngineHost({ name, limits, clock, log });
    hosts.set(name, host);
    return host;
  };
  const added = addedModels(options.folder, (thrown) =>
    log("error", "models_unreadable", { reason: reasonOf(thrown) }),
  );
  const models = (): readonly EmbeddedModel[] => [...BUILT_IN_MODELS, ...added()];
  const door = openDoor({
    key,
    bodyBytesMax: limits.bodyBytesMax,
    find: (id) => runnable(models().find((model) => model.id === id)),
    answer: (request, signal) => hostOf(request.call.model.engine).answer(request, signal),
    log,
  });
  return {
    origin: `http://127.0.0.1:${door.port}`,
    key,
    models,
    pid: (name) => hosts.get(name)?.pid,
    stop: async () => {
      await Promise.all([...hosts.values()].map((host) => host.stop()));
      await door.stop(true);
    },
  };
}

function runnable(model: EmbeddedModel | undefined): EmbeddedModel | undefined {
  const reason = model && whyNot(model);
  if (reason !== undefined) throw new Refusal(404, reason);
  return model;
}
