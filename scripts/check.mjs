// Format, lint, types and boundaries: what CI runs first.
import { run, tool } from "./tools.mjs";

run("biome", tool("@biomejs/biome", "biome"), ["check", "--error-on-warnings", "."]);
run("types", tool("typescript", "tsc"), ["-p", "."]);
run("boundaries", "node", ["bin/turnpike.mjs", "--bun", "test", "test/boundaries.test.ts"]);
