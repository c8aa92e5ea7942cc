/** What was found out about mappings, laid over them: made once a finding, so that requests meet plain mappings. */
import { isDeepStrictEqual } from "node:util";
import { mappingKey } from "./mapping-key.js";
import type { Mapping } from "./model.js";
import { type Validation, withValidation } from "./validation.js";

type Made = { readonly validation: Validation; readonly mapping: Mapping };

export class Validations {
  private readonly known = new Map<string, Validation>();
  private readonly made = new WeakMap<Mapping, Made>();
  private readonly statedOf = new WeakMap<Mapping, Mapping>();

  /** A word on a mapping, unless a newer one is known. */
  take(validation: Validation): void {
    const key = mappingKey(validation);
    if ((this.known.get(key)?.checkedAt ?? 0) > validation.checkedAt) return;
    this.known.set(key, validation);
  }

  of(stated: Mapping): Validation | undefined {
    return this.known.get(mappingKey(stated));
  }

  /** The same object as before, as long as what callers see of it is the same: others key what they know by it. */
  over(stated: Mapping, isFromFile: boolean): Mapping {
    const validation = this.known.get(mappingKey(stated));
    if (!validation) return stated;
    const before = this.made.get(stated);
    if (before?.validation === validation) return before.mapping;
    const fresh = withValidation(stated, validation, isFromFile);
    const old = before?.mapping ?? stated;
    const mapping = isDeepStrictEqual(old, fresh) ? old : fresh;
    this.made.set(stated, { validation, mapping });
    this.statedOf.set(mapping, stated);
    return mapping;
  }

  /** A mapping as it was written, whatever was found out about it. */
  stated(mapping: Mapping): Mapping {
    return this.statedOf.get(mapping) ?? mapping;
  }
}
