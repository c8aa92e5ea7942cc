/** The load generator's own process: one JSON argument in, one JSON line out. The same for every variant. */
import { runClosedLoop } from "./load/closed-loop.js";
import type { LoadSpec } from "./load/spec.js";
import { runStreams } from "./load/streams.js";

const spec: LoadSpec = JSON.parse(process.argv[2] ?? "");
const result = spec.mode === "streams" ? await runStreams(spec) : await runClosedLoop(spec);
console.log(JSON.stringify(result));
process.exit(0); // connections that a failed run left open must not keep this process alive
