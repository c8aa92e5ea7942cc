import { Command } from "commander";
import { version } from "../../package.json";
import { ConfigError } from "../config/read-file.js";
import { RouterError } from "../kernel/errors.js";
import { WrongSecretError } from "../tenants/directory.js";
import { audit } from "./audit.js";
import { config } from "./config.js";
import { credit } from "./credit.js";
import { estimate } from "./estimate.js";
import { model } from "./model.js";
import { org } from "./org.js";
import { UserError } from "./output.js";
import { payment } from "./payment.js";
import { provider } from "./provider.js";
import { receipt } from "./receipt.js";
import { route } from "./route.js";
import { serve } from "./serve.js";
import { sim } from "./sim.js";
import { spool } from "./spool.js";
import { token } from "./token.js";
import { usage } from "./usage.js";
import { user } from "./user.js";

/** What the operator can mend: told in a sentence, without a stack. */
const EXPECTED = [UserError, ConfigError, RouterError, WrongSecretError];

// Whatever we write into the data folder is nobody else's to read.
process.umask(0o077);

const program = new Command("turnpike")
  .description("One token and one API for every model on every inference provider.")
  .version(version)
  .showHelpAfterError()
  .enablePositionalOptions();
for (const each of [
  serve,
  config,
  user,
  org,
  token,
  credit,
  payment,
  usage,
  estimate,
  route,
  receipt,
  audit,
  spool,
  provider,
  model,
  sim,
]) {
  program.addCommand(each);
}

try {
  await program.parseAsync();
} catch (thrown) {
  const isExpected = thrown instanceof Error && EXPECTED.some((kind) => thrown instanceof kind);
  process.stderr.write(`${isExpected ? thrown.message : Bun.inspect(thrown)}\n`);
  process.exit(1);
}
