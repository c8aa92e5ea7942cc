/** Files that are passed on while they come in. */

import type { Mapping } from "../../catalog/model.js";
import { UPLOAD_STREAM_BYTES } from "../../kernel/limits.js";
import type { RouteControls } from "../../tasks/chat-completion.js";
import type { Task } from "../../tasks/index.js";
import type { Upload } from "../../tasks/media.js";
import { splitModel } from "../../wire/chat-request.js";
import type { Incoming } from "../incoming.js";
import type { Site, Visit } from "../parts.js";

export type PassedOn = { readonly task: Exclude<Task, "conversational">; readonly upload: Upload };

/**
 * The file that is a request's whole body, where it is large and nobody here needs to see it: everyone who serves the model
 * takes it as it is, and charges nothing that is in it. Undefined for all others, which are read first.
 */
export function passedOn(
  { gateway }: Site,
  { request }: Visit,
  named: string,
  { only }: RouteControls,
): PassedOn | undefined {
  const type = request.headers.get("content-type") ?? "";
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  const isPlain = request.headers.get("content-encoding") === null && request.body !== null;
  const isSized = length >= UPLOAD_STREAM_BYTES && length <= gateway.limits.bodyBytesMax;
  if (!isPlain || !isSized || !/^(audio|image|video)\//i.test(type)) return undefined;
  const { model, suffix } = splitModel(named);
  const { mappings = [] } = gateway.catalog.model(model) ?? {};
  const isPinned = mappings.some(({ provider }) => provider === suffix);
  const able = mappings.filter(
    ({ task, provider }) =>
      task !== "conversational" &&
      (only?.includes(provider) ?? true) &&
      (!isPinned || provider === suffix),
  );
  const [task, ...others] = new Set(able.map((mapping) => mapping.task));
  const isOwnKey = request.headers.has("x-turnpike-provider-key");
  const isBlind = (mapping: Mapping): boolean =>
    adapterOf(gateway, mapping)?.takesUploads === true && (isOwnKey || chargesNoFile(mapping));
  if (!task || task === "conversational" || others.length > 0) return undefined;
  return able.every(isBlind) ? { task, upload: uploadOf(request, type, length) } : undefined;
}

function adapterOf({ providers }: Site["gateway"], { provider, task }: Mapping) {
  const tasks = providers.get(provider)?.provider.tasks;
  return task === "conversational" ? undefined : tasks?.[task];
}

/** Prices that are known without a look into what was sent. */
const BLIND_UNITS: readonly string[] = ["request", "compute_second"];

const chargesNoFile = ({ isFree, price }: Mapping): boolean =>
  isFree || (price !== undefined && Object.keys(price).every((unit) => BLIND_UNITS.includes(unit)));

function uploadOf({ body }: Incoming, type: string, length: number): Upload {
  let isBegun = false;
  return {
    type,
    length,
    get isBegun() {
      return isBegun;
    },
    parts: () => {
      isBegun = true;
      return body as AsyncIterable<Uint8Array>;
    },
  };
}
