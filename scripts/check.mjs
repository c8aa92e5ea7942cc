// Format, lint, types and boundaries: what CI runs first.
import { run, tool } from "./tools.mjs";

run("biome", await tool("@biomejs/biome", "biome"), ["check", "--error-on-warnings", "."]);
run("types", await tool("typescript", "tsc"), ["-p", "."]);
run("boundaries", "node", ["bin/turnpike.mjs", "--bun", "test", "test/boundaries.test.ts"]);
