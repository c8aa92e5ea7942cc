/** Stands in for the Hub: a few files, their list, and a token that it may want. */
import { createHash } from "node:crypto";

export type StandIn = {
  readonly endpoint: string;
  /** Authorization headers of what was asked. */
  readonly seen: (string | null)[];
  readonly stop: () => Promise<void>;
};

export type Repositories = Readonly<Record<string, Readonly<Record<string, Uint8Array | string>>>>;

export function standInHub(
  repositories: Repositories,
  options: { readonly token?: string } = {},
): StandIn {
  const seen: (string | null)[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const given = request.headers.get("authorization");
      seen.push(given);
      if (options.token !== undefined && given !== `Bearer ${options.token}`)
        return new Response("", { status: 401 });
      return answer(repositories, new URL(request.url).pathname);
    },
  });
  return { endpoint: `http://127.0.0.1:${server.port}`, seen, stop: () => server.stop(true) };
}

function answer(repositories: Repositories, path: string): Response {
  const [, listed = ""] = /^\/api\/models\/(.+)$/.exec(path) ?? [];
  const files = repositories[listed];
  if (files)
    return Response.json({
      siblings: Object.entries(files).map(([name, bytes]) => describe(name, bytes)),
    });
  const [, repository = "", name = ""] = /^\/([^/]+\/[^/]+)\/resolve\/main\/(.+)$/.exec(path) ?? [];
  const bytes = repositories[repository]?.[name];
  return bytes === undefined ? new Response("", { status: 404 }) : new Response(Buffer.from(bytes));
}

/** A text of `damaged:` is not what its hash says. */
const describe = (rfilename: string, bytes: Uint8Array | string) => ({
  rfilename,
  size: Buffer.byteLength(bytes),
  ...(/\.(gguf|onnx)$/.test(rfilename) && {
    lfs: {
      sha256: createHash("sha256")
        .update(String(bytes).startsWith("damaged:") ? "else" : bytes)
        .digest("hex"),
    },
  }),
});
