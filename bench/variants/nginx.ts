import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { start } from "../processes.js";
import { UPSTREAM_MODEL } from "../upstream-answers.js";
import { processTree } from "../usage-of.js";
import { freePort, until } from "../waiting.js";
import { CHAT_PATH, type Variant, type VariantName } from "./variant.js";

const readyMsMax = 10_000;

/** One worker that keeps its connections, and does nothing but pass on: the least that any proxy can do. */
export const nginx = proxy("nginx", ({ upstreamPort }) => ({
  upstream: `upstream static { server 127.0.0.1:${upstreamPort}; keepalive 256; ${WITHOUT_END} }`,
  location: `
      proxy_pass http://static;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;`,
}));

/** The same with `proxy_pass` and no word more: it connects to the upstream anew for every request. */
export const nginxBare = proxy("nginx-bare", ({ upstreamPort }) => ({
  upstream: "",
  location: `proxy_pass http://127.0.0.1:${upstreamPort};`,
}));

function proxy(name: VariantName, forward: (places: Places) => Forward): Variant {
  return {
    name,
    whyNot: async () => (Bun.which("nginx") === null ? "nginx is not installed" : undefined),
    start: async ({ upstreamPort, pins, folder }) => {
      const places = { port: await freePort(), upstreamPort, folder };
      const configPath = join(folder, "nginx.conf");
      await writeFile(configPath, config(places, forward(places)));
      const child = start({
        name,
        argv: ["nginx", "-p", folder, "-e", join(folder, "error.log"), "-c", configPath],
        core: pins.proxy,
      });
      await until(`nginx did not start: ${child.lastWords()}`, readyMsMax, async () => {
        const answer = await fetch(`http://127.0.0.1:${places.port}/stats`);
        return answer.ok;
      });
      return {
        target: {
          port: places.port,
          path: CHAT_PATH,
          headers: { Authorization: "Bearer bench-upstream-key" },
          model: UPSTREAM_MODEL,
        },
        child,
        pids: processTree(child.pid),
        check: async () => undefined,
      };
    },
  };
}

type Places = { readonly port: number; readonly upstreamPort: number; readonly folder: string };

/** What is written of the upstream, and in the location. */
type Forward = { readonly upstream: string; readonly location: string };

/** By default nginx closes a connection after 1,000 requests. */
const WITHOUT_END = "keepalive_requests 1000000000; keepalive_timeout 1h;";

const config = ({ port, folder }: Places, { upstream, location }: Forward): string => `
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${WITHOUT_END}
  ${upstream}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { ${location} }
  }
}
`;
