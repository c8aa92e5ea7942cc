import { Command } from "commander";
import { loadConfig } from "../config/config.js";
import { type CommonOptions, command } from "./command.js";
import { show, table } from "./output.js";

export const provider = new Command("provider").description("whom requests can go to").addCommand(
  command("list", "all providers, and whether they have a key").action((options: CommonOptions) => {
    const { providers } = loadConfig(options, process.env);
    const rows = [...providers.values()].map((each) => ({
      id: each.provider.id,
      name: each.provider.name,
      base_url: each.baseUrl,
      key_variable: each.provider.keyVariable ?? null,
      ready: each.key !== undefined || !each.provider.needsKey,
    }));
    show(options, { providers: rows }, () =>
      table(
        ["id", "name", "ready", "base URL"],
        rows.map((row) => [
          row.id,
          row.name,
          row.ready ? "yes" : `set ${row.key_variable}`,
          row.base_url,
        ]),
      ),
    );
  }),
);
