/** Files of a model on the Hub, or on whatever HF_ENDPOINT names. */
import { createHash } from "node:crypto";
import { createWriteStream, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import { z } from "zod";
import { DOWNLOAD_GAP_MS } from "./limits.js";

export type Hub = { readonly endpoint: string; readonly token: string | undefined };

export type HubFile = {
  readonly path: string;
  readonly bytes: number | undefined;
  /** Of files in large-file storage. */
  readonly sha256: string | undefined;
};

/** How far a download is, for people. */
export type Progress = (file: string, bytes: number, total: number | undefined) => void;

/** What the operator can mend: a name that is wrong, a token that is missing, a hub that does not answer. */
export class HubError extends Error {}

export const hubOf = (env: Readonly<Record<string, string | undefined>>): Hub => ({
  endpoint: (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, ""),
  token: env.HF_TOKEN || undefined,
});

const modelInfo = z.object({
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.int().nullish(),
      lfs: z.object({ sha256: z.string() }).nullish(),
    }),
  ),
});

/** The files of a repository. */
export async function listFiles(hub: Hub, repository: string): Promise<HubFile[]> {
  const response = await get(hub, `/api/models/${repository}?blobs=true`, repository);
  const { siblings } = modelInfo.parse(await response.json());
  return siblings.map(({ rfilename, size, lfs }) => ({
    path: rfilename,
    bytes: size ?? undefined,
    sha256: lfs?.sha256,
  }));
}

/** Downloads a file to `to`, which appears only once it is complete and has the hash that the hub says. */
export async function download(
  hub: Hub,
  repository: string,
  file: HubFile,
  to: string,
  progress: Progress,
): Promise<void> {
  const part = `${to}.part`;
  mkdirSync(dirname(to), { recursive: true });
  try {
    const path = file.path.split("/").map(encodeURIComponent).join("/");
    const response = await get(hub, `/${repository}/resolve/main/${path}`, repository);
    const sha256 = await save(response, part, (bytes) => progress(file.path, bytes, file.bytes));
    if (file.sha256 !== undefined && file.sha256 !== sha256) {
      throw new HubError(`${file.path} arrived damaged. Try again.`);
    }
    renameSync(part, to);
  } finally {
    rmSync(part, { force: true });
  }
}

async function save(
  response: Response,
  to: string,
  progress: (bytes: number) => void,
): Promise<string> {
  const hash = createHash("sha256");
  const out = createWriteStream(to);
  const reader = response.body?.getReader();
  let bytes = 0;
  try {
    for (;;) {
      const next = reader
        ? await withinGap(reader.read())
        : { done: true as const, value: undefined };
      if (next.done) break;
      hash.update(next.value);
      bytes += next.value.byteLength;
      if (!out.write(next.value)) await new Promise((resolve) => out.once("drain", resolve));
      progress(bytes);
    }
  } finally {
    out.end();
    await finished(out);
  }
  return hash.digest("hex");
}

async function withinGap<T>(read: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new HubError("The download stalled. Try again.")),
    DOWNLOAD_GAP_MS,
  );
  try {
    return await Promise.race([read, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function get({ endpoint, token }: Hub, path: string, repository: string): Promise<Response> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${endpoint}${path}`, { headers }).catch((cause) => {
    throw new HubError(`${endpoint} does not answer.`, { cause });
  });
  if (response.ok) return response;
  const { status } = response;
  if (status === 401 || status === 403 || status === 404) {
    const hint =
      token === undefined ? "it may want a token in HF_TOKEN" : "the token may not see it";
    throw new HubError(`${repository} was not found at ${endpoint} (${status}); or ${hint}.`);
  }
  throw new HubError(`${endpoint} answered ${status} for ${repository}.`);
}
