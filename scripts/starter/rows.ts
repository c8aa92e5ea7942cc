/** The rows of the catalog that come from the library, and what was left out of it. */
import type { ModelInfo } from "@pydantic/genai-prices";
import { modelsOf, offerOf } from "./library.js";
import { BY_HUB_ID, BY_PROVIDER_ID, HUB_LISTS, SKIPPED_LISTS } from "./lists.js";
import { type Names, namesFrom } from "./names.js";
import type { Extra, LeftOut, Row } from "./shapes.js";

/** A model of a list, with both of its ids as far as they were found. */
type Named = {
  readonly provider: string;
  readonly library: string;
  readonly model: ModelInfo;
  readonly ownId: string | undefined;
  readonly hubId: string | undefined;
  /** Why it is left out where one of them was not. */
  readonly missing: string;
};

export function rowsFromLibrary(extra: Extra): { rows: Row[]; leftOut: LeftOut[] } {
  const names = namesFrom(extra, HUB_LISTS);
  const rows: Row[] = [];
  const leftOut: LeftOut[] = [...SKIPPED_LISTS];
  for (const named of [...namedByProvider(names), ...namedByHub(names)]) {
    const row = rowOf(named, extra, rows);
    const { provider, model } = named;
    if (typeof row === "string") leftOut.push({ provider, model: model.id, why: row });
    else rows.push(row);
  }
  return { rows, leftOut };
}

const namedByProvider = (names: Names): readonly Named[] =>
  BY_PROVIDER_ID.flatMap(({ provider, library, ...list }) =>
    modelsOf(library).map((model) => {
      const ownId = list.ownId(model);
      const hubId = ownId === undefined ? undefined : list.hubId(ownId, names);
      const missing =
        provider === "openai" ? "not a chat model of OpenAI's own list" : "no Hub id known for it";
      return { provider, library, model, ownId, hubId, missing };
    }),
  );

const namedByHub = (names: Names): readonly Named[] =>
  BY_HUB_ID.flatMap(({ provider, library, ...list }) =>
    modelsOf(library).map((model) => {
      const ownId = list.ownId(model.id, names);
      const missing = "no listing of the provider shows an id for it";
      return { provider, library, model, ownId, hubId: model.id, missing };
    }),
  );

/** The row of a model, or why it has none. */
function rowOf(named: Named, extra: Extra, rows: readonly Row[]): Row | string {
  const { provider, library, model, ownId, hubId } = named;
  const gone = extra.left_out.find(
    (entry) => entry.provider === provider && entry.provider_model === ownId,
  );
  if (gone !== undefined) return gone.why;
  if (model.deprecated === true) return "marked as retired by the library";
  if (ownId === undefined || hubId === undefined) return named.missing;
  const offer = offerOf(model, { provider, ownId, library });
  if (typeof offer === "string") return offer;
  if (rows.some((row) => row.hubId === hubId && row.offer.provider === provider)) {
    return `another id of this provider already serves ${hubId}`;
  }
  return { hubId, offer };
}
