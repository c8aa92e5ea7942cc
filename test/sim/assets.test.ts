import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { Dials } from "../../sim/dials.js";
import { probe } from "../../sim/media/probe.js";
import { startSim } from "../../sim/server.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

const headers = { "content-type": "application/json", authorization: "Key sim-key" };

async function generate(dials: Dials, body: object = {}): Promise<Response> {
  return fetch(`${sim.url("fal-ai")}/fal-ai/flux/dev`, {
    method: "POST",
    headers: { ...headers, "x-sim-dials": JSON.stringify(dials) },
    body: JSON.stringify({ prompt: "a fox", ...body }),
  });
}

async function urlWith(dials: Dials): Promise<string> {
  const { images } = await (await generate(dials)).json();
  return images[0].url;
}

const download = async (dials: Dials, init: RequestInit = {}) =>
  fetch(await urlWith(dials), { redirect: "manual", ...init });

const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

describe("files that answers link to", () => {
  test("are on the host that the caller used, and need no key", async () => {
    const url = await urlWith({});
    expect(url).toStartWith(`${sim.origin}/_sim/assets/`);
    expect(url).toEndWith(".jpg");
    const file = await fetch(url);
    expect(file.headers.get("content-type")).toBe("image/jpeg");
    const image = { kind: "image", width: 1024, height: 768 } as const;
    expect(probe(await bytesOf(file))).toEqual(image);
  });

  test("are the same bytes for the same question", async () => {
    const first = await bytesOf(await download({}));
    expect(await bytesOf(await download({}))).toEqual(first);
  });

  test("are as large as dialled, and of the format dialled", async () => {
    const file = await download({ media_bytes: 1_000_000, image_format: "png" });
    expect(file.headers.get("content-type")).toBe("image/png");
    expect((await bytesOf(file)).length).toBeGreaterThanOrEqual(1_000_000);
  });

  test("count downloads that carry credentials", async () => {
    await download({});
    await download({}, { headers });
    const state = await (await fetch(`${sim.origin}/_sim/state`)).json();
    expect(state.downloads).toEqual({ served: 2, withCredentials: 1 });
  });

  test("may be gone, slow, moved, or on an address inside", async () => {
    expect((await download({ asset_status: 403 })).status).toBe(403);
    const start = performance.now();
    await download({ asset_latency_ms: 30 });
    expect(performance.now() - start).toBeGreaterThanOrEqual(29);
    const moved = await download({ asset: "redirect" });
    expect([moved.status, moved.headers.get("location")]).toEqual([302, "/_sim/redirected"]);
    const inside = await download({ asset: "redirect_inside" });
    expect(inside.headers.get("location")).toContain("169.254.169.254");
    const round = await download({ asset: "redirect_endless" });
    expect(round.headers.get("location")).toBe(new URL(round.url).pathname);
    expect(await urlWith({ asset_url: "file:///etc/passwd" })).toBe("file:///etc/passwd");
  });

  test("may be broken", async () => {
    const whole = await bytesOf(await download({}));
    expect(await bytesOf(await download({ asset: "truncated" }))).toHaveLength(whole.length >> 1);
    expect(await bytesOf(await download({ asset: "empty" }))).toHaveLength(0);
    expect(await (await download({ asset: "html" })).text()).toContain("<html>");
    const untyped = await download({ asset: "untyped" });
    expect(untyped.headers.get("content-type")).toBe("application/octet-stream");
    const cut = await download({ asset: "cut" });
    expect(await cut.arrayBuffer().then(String, () => "cut")).toBe("cut");
  });

  test("may go on for ever", async () => {
    const file = await download({ asset: "too_large" });
    let read = 0;
    for await (const block of file.body ?? []) {
      read += block.length;
      if (read > 4_000_000) break;
    }
    expect(read).toBeGreaterThan(4_000_000);
  });

  test("may stop coming", async () => {
    const reader = (await download({ asset: "stall" })).body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    const next = reader?.read().then(() => "more");
    expect(await Promise.race([next, Bun.sleep(30).then(() => "nothing")])).toBe("nothing");
    await reader?.cancel();
  });
});

describe("media inside answers", () => {
  const inside = async (dials: Dials) => {
    const { images } = await (await generate(dials, { sync_mode: true })).json();
    return Buffer.from(images[0].url.split(",")[1], "base64");
  };

  test("may be cut short, no media at all, or nothing", async () => {
    const whole = await inside({});
    expect(probe(whole)).toBeDefined();
    expect(await inside({ media: "truncated" })).toHaveLength(whole.length >> 1);
    expect(probe(await inside({ media: "garbage" }))).toBeUndefined();
    expect(await inside({ media: "empty" })).toHaveLength(0);
  });
});

describe("the dials of chat hold for tasks too", () => {
  const failures = [
    [{ fail_rate: 1, fail_status: 503 }, 503],
    [{ rate_limit_rate: 1 }, 429],
    [{ auth: "invalid" }, 401],
    [{ models: ["another"] }, 404],
    [{ error_in_200: true }, 200],
    [{ answer: "html" }, 200],
  ] as const;
  for (const [dials, status] of failures) {
    test(`${JSON.stringify(dials)} is ${status} and costs nothing`, async () => {
      const response = await generate(dials);
      expect(response.status).toBe(status);
      expect(await response.text()).not.toContain("images");
      expect(sim.log()[0]).toMatchObject({ outcome: "failed", costNanoUsd: "0" });
    });
  }

  test("bodies are broken off, cut and stalled", async () => {
    const half = await (await generate({ malformed_after_events: 0 })).text();
    expect(() => JSON.parse(half)).toThrow();
    const cut = await generate({ cut_after_events: 0 });
    expect(await cut.text().then(String, () => "cut")).toBe("cut");
    expect(sim.log().map(({ outcome }) => outcome)).toEqual(["failed", "cut"]);
  });

  test("what was wrong with the request is logged with the task", async () => {
    await generate({}, { image_size: { width: 0, height: 5 } });
    expect(sim.log()[0]).toMatchObject({
      task: "text-to-image",
      model: "fal-ai/flux/dev",
      status: 422,
      units: {},
    });
  });
});
