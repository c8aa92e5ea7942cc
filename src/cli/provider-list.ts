/** `turnpike provider list` */
import { type CommonOptions, command } from "./command.js";
import { type KnownProvider, knownProviders } from "./known-providers.js";
import { withLocal } from "./local.js";
import { show, table } from "./output.js";
import { hasKey } from "./ready.js";

export const providerList = command(
  "list",
  "all providers, whether they have a key, and the state of those that registered themselves",
).action((options: CommonOptions) =>
  withLocal(options, async (local) => {
    const rows = (await knownProviders(local)).map(rowOf);
    show(options, { providers: rows }, () =>
      table(
        ["id", "name", "ready", "state", "base URL"],
        rows.map((row) => [
          row.id,
          row.name,
          row.ready ? "yes" : `set ${row.key_variable}`,
          row.state ?? "",
          row.base_url,
        ]),
      ),
    );
  }),
);

const rowOf = ({ configured, registration }: KnownProvider) => ({
  id: configured.provider.id,
  name: configured.provider.name,
  base_url: configured.baseUrl,
  key_variable: configured.provider.keyVariable ?? null,
  ready: registration?.state !== "withdrawn" && hasKey(configured),
  tells_costs: configured.billing !== undefined,
  state: registration?.state ?? null,
});
