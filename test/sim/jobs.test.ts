import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import type { Dials } from "../../sim/dials.js";
import { probe } from "../../sim/media/probe.js";
import { startSim } from "../../sim/server.js";
import { until } from "./support.js";

const sim = startSim();
afterAll(() => sim.stop());
beforeEach(() => sim.reset());

/** What is at "images.0.url" in an answer, as text. */
function at(answer: unknown, path: string): string | undefined {
  let found = answer;
  for (const step of path.split(".")) {
    found = typeof found === "object" && found !== null ? Reflect.get(found, step) : undefined;
  }
  return found === undefined || found === null ? undefined : String(found);
}

type Protocol = {
  readonly provider: string;
  readonly task: string;
  readonly submit: string;
  readonly body: object;
  /** Where in the answer to the submission. */
  readonly id: string;
  /** Where to ask, from what the submission said. */
  readonly poll: (id: string) => string;
  /** Where the result is, if not in the poll. */
  readonly result?: (id: string) => string;
  /** Where in the answer to a poll. */
  readonly state: string;
  readonly words: readonly [queued: string, running: string, succeeded: string, failed: string];
  /** Where in the result. */
  readonly url: string;
  readonly reason: string;
};

const PROTOCOLS: readonly Protocol[] = [
  {
    provider: "fal-ai",
    task: "text-to-image",
    submit: "/queue/fal-ai/flux/dev",
    body: { prompt: "a fox" },
    id: "request_id",
    poll: (id) => `/queue/fal-ai/flux/requests/${id}/status`,
    result: (id) => `/queue/fal-ai/flux/requests/${id}`,
    state: "status",
    words: ["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "COMPLETED"],
    url: "images.0.url",
    reason: "detail",
  },
  {
    provider: "replicate",
    task: "text-to-image",
    submit: "/v1/models/black-forest-labs/flux-dev/predictions",
    body: { input: { prompt: "a fox" } },
    id: "id",
    poll: (id) => `/v1/predictions/${id}`,
    state: "status",
    words: ["starting", "processing", "succeeded", "failed"],
    url: "output.0",
    reason: "error",
  },
  {
    provider: "together",
    task: "text-to-video",
    submit: "/v2/videos",
    body: { model: "minimax/hailuo-02", prompt: "a fox" },
    id: "id",
    poll: (id) => `/v2/videos/${id}`,
    state: "status",
    words: ["queued", "in_progress", "completed", "failed"],
    url: "outputs.video_url",
    reason: "error.message",
  },
  {
    provider: "novita",
    task: "text-to-video",
    submit: "/v3/async/wan-t2v",
    body: { prompt: "a fox" },
    id: "task_id",
    poll: (id) => `/v3/async/task-result?task_id=${id}`,
    state: "task.status",
    words: [
      "TASK_STATUS_QUEUED",
      "TASK_STATUS_PROCESSING",
      "TASK_STATUS_SUCCEED",
      "TASK_STATUS_FAILED",
    ],
    url: "videos.0.video_url",
    reason: "task.reason",
  },
  {
    provider: "novita",
    task: "image-text-to-video",
    submit: "/v3/minimax/v2/video_generation",
    body: {
      model: "MiniMax-H3",
      content: [{ type: "text", text: "a fox" }],
      resolution: "768P",
      duration: 4,
    },
    id: "task_id",
    poll: (id) => `/v3/minimax/v2/query/video_generation/${id}`,
    state: "task.status",
    words: ["queued", "running", "succeeded", "failed"],
    url: "task.content.url",
    reason: "task.error.message",
  },
  {
    provider: "wavespeed",
    task: "text-to-image",
    submit: "/api/v3/wavespeed-ai/flux-schnell",
    body: { prompt: "a fox" },
    id: "data.id",
    poll: (id) => `/api/v3/predictions/${id}/result`,
    state: "data.status",
    words: ["created", "processing", "completed", "failed"],
    url: "data.outputs.0",
    reason: "data.error",
  },
  {
    provider: "zai-org",
    task: "text-to-image",
    submit: "/api/paas/v4/async/images/generations",
    body: { model: "glm-image", prompt: "a fox" },
    id: "id",
    poll: (id) => `/api/paas/v4/async-result/${id}`,
    state: "task_status",
    words: ["PROCESSING", "PROCESSING", "SUCCESS", "FAIL"],
    url: "image_result.0.url",
    reason: "error.message",
  },
  {
    provider: "black-forest-labs",
    task: "text-to-image",
    submit: "/v1/flux-dev",
    body: { prompt: "a fox" },
    id: "id",
    poll: (id) => `/v1/get_result?id=${id}`,
    state: "status",
    words: ["Pending", "Pending", "Ready", "Error"],
    url: "result.sample",
    reason: "details.reason",
  },
];

const headersFor = (provider: string, key = "sim-key") => ({
  "content-type": "application/json",
  authorization: `${{ "fal-ai": "Key", "black-forest-labs": "X-Key" }[provider] ?? "Bearer"} ${key}`,
});

async function submit(
  { provider, submit: path, body, id }: Protocol,
  dials: Dials,
): Promise<string> {
  const response = await fetch(sim.url(provider) + path, {
    method: "POST",
    headers: { ...headersFor(provider), "x-sim-dials": JSON.stringify(dials) },
    body: JSON.stringify(body),
  });
  expect([200, 201]).toContain(response.status);
  return at(await response.json(), id) ?? "";
}

async function get(provider: string, path: string, key?: string) {
  const headers = headersFor(provider, key);
  const response = await fetch(sim.url(provider) + path, { headers });
  return { status: response.status, body: (await response.json()) as unknown };
}

const look = (protocol: Protocol, id: string, key?: string) =>
  get(protocol.provider, protocol.poll(id), key);

const resultOf = (protocol: Protocol, id: string) =>
  get(protocol.provider, (protocol.result ?? protocol.poll)(id));

for (const protocol of PROTOCOLS) {
  describe(`${protocol.provider}'s jobs for ${protocol.task}`, () => {
    const [queued, running, succeeded, failed] = protocol.words;

    test("are queued, run and succeed, with a file that is what it should be", async () => {
      const id = await submit(protocol, { job_polls: 2 });
      const seen: (string | undefined)[] = [];
      for (let i = 0; i < 3; i += 1) seen.push(at((await look(protocol, id)).body, protocol.state));
      expect(seen).toEqual([queued, running, succeeded]);
      const url = at((await resultOf(protocol, id)).body, protocol.url);
      const file = await fetch(url ?? "");
      expect(file.headers.get("content-type")).toMatch(/^(image|video)\//);
      expect(probe(new Uint8Array(await file.arrayBuffer()))).toBeDefined();
    });

    test("are logged once, when they end, under the id of the submission", async () => {
      const id = await submit(protocol, { job_polls: 1 });
      expect(sim.log()).toEqual([]);
      for (let i = 0; i < 4; i += 1) await look(protocol, id);
      const { provider, task } = protocol;
      expect(sim.log()).toEqual([
        expect.objectContaining({ provider, task, providerRequestId: id, outcome: "complete" }),
      ]);
      expect(Number(sim.log()[0]?.costNanoUsd)).toBeGreaterThan(0);
    });

    test("take the time they are told to, polled or not", async () => {
      await submit(protocol, { job_ms: 20 });
      expect(sim.log()).toEqual([]);
      await until(() => sim.log().length === 1);
    });

    test("fail with a reason, and cost nothing then", async () => {
      const id = await submit(protocol, { job_fail_rate: 1, job_fail_message: "no foxes" });
      expect(at((await look(protocol, id)).body, protocol.state)).toBe(failed);
      expect(at((await resultOf(protocol, id)).body, protocol.reason)).toBe("no foxes");
      expect(sim.log()[0]).toMatchObject({ outcome: "failed", costNanoUsd: "0", units: {} });
    });

    test("may never end", async () => {
      const id = await submit(protocol, { job_stall: true });
      for (let i = 0; i < 3; i += 1) {
        expect([queued, running]).toContain(
          at((await look(protocol, id)).body, protocol.state) ?? "",
        );
      }
    });

    test("may succeed without a result", async () => {
      const id = await submit(protocol, { result_missing: true });
      expect(at((await look(protocol, id)).body, protocol.state)).toBe(succeeded);
      expect(at((await resultOf(protocol, id)).body, protocol.url)).toBeUndefined();
    });

    test("may end twice, otherwise the second time", async () => {
      const id = await submit(protocol, { job_end_twice: true });
      const first = await resultOf(protocol, id);
      expect(at(first.body, protocol.url)).toBeString();
      expect(at((await resultOf(protocol, id)).body, protocol.url)).toBeUndefined();
      expect(sim.log()).toHaveLength(1);
    });

    test("may be in a state nobody has heard of", async () => {
      const id = await submit(protocol, { job_state: "contemplating" });
      expect(at((await look(protocol, id)).body, protocol.state)).toBe("contemplating");
    });

    test("may be hard to ask after", async () => {
      const id = await submit(protocol, {});
      sim.setDials(protocol.provider, { job_error_status: 503, job_error_polls: 2 });
      const seen: number[] = [];
      for (let i = 0; i < 3; i += 1) seen.push((await look(protocol, id)).status);
      expect(seen).toEqual([503, 503, 200]);
    });

    test("are known to their submitter only, and not when they are lost", async () => {
      const id = await submit(protocol, {});
      expect((await look(protocol, id, "other-key")).status).toBe(404);
      expect((await look(protocol, "made-up")).status).toBe(404);
      sim.setDials(protocol.provider, { job_lost: true });
      expect((await look(protocol, id)).status).toBe(404);
    });

    test("are told the router's billing callback", async () => {
      const id = await submit(protocol, {});
      const response = await fetch(`${sim.url(protocol.provider)}/_billing`, {
        method: "POST",
        headers: headersFor(protocol.provider),
        body: JSON.stringify({ requestIds: [id] }),
      });
      const { requests } = await response.json();
      expect(requests).toEqual([{ requestId: id, costNanoUsd: Number(sim.log()[0]?.costNanoUsd) }]);
    });
  });
}
