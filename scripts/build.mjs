// Makes a single-file executable of Turnpike for this platform in dist/. The simulator is not in it.
import { join } from "node:path";
import { root, run } from "./tools.mjs";

run("build", join(root, "bin", "turnpike.mjs"), [
  ...["--bun", "build", "--compile", "--minify", "--sourcemap"],
  join("src", "cli", "main.ts"),
  join("src", "gateway", "tokenizer-thread.ts"),
  join("src", "drain-thread.ts"),
  ...["--outfile", join("dist", "turnpike")],
]);
