import { HubError } from "./hub.js";
import { BUILT_IN_MODELS } from "./models.js";

/** As in the catalog: at most an owner and a name. */
const MODEL_ID = /^[\w.-]+(\/[\w.-]+)?$/;

/** The id that was asked for, or one made from a name. */
export function modelIdFrom(wanted: string | undefined, name: string): string {
  const id = wanted ?? name.replace(/[^\w./-]+/g, "-");
  if (!MODEL_ID.test(id))
    throw new HubError(`"${id}" is no model id; one looks like "local/my-model".`);
  if (BUILT_IN_MODELS.some((each) => each.id === id)) {
    throw new HubError(`"${id}" is a built-in model; choose another name with --id.`);
  }
  return id;
}
