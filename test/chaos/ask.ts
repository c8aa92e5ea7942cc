/** One request of the day, and what its caller saw. */
import type { Random } from "../support/random.js";
import { PROVIDERS, type Scene } from "./day.js";
import { MODEL, SPEED, type World } from "./world.js";

export type Seen = {
  readonly scene: Scene;
  readonly id: string;
  readonly isStream: boolean;
  /** `cut` is a stream that broke off after its first byte. */
  readonly how: "served" | "cut" | "failed";
  readonly status: number;
  readonly provider: string;
  readonly text: string;
  readonly cost: bigint;
  /** The id of the rest, where another provider went on with it. */
  readonly restId: string | undefined;
  /** Attempts, as the answer's headers tell; 0 where it has none. */
  readonly attempts: number;
  /** In ms of the test. */
  readonly ownMs: number;
  readonly failedMs: number;
  readonly error: string;
};

/** Half of them streams, half by speed and half by an order of the caller's own. */
function bodyFor(random: Random): Readonly<Record<string, unknown>> {
  const tokens = 4 + random.below(9);
  const first = random.pick(PROVIDERS);
  return {
    model: MODEL,
    messages: [{ role: "user", content: `[[tokens=${tokens}]] question ${random.below(1e9)}` }],
    max_tokens: 64,
    stream: random.chance(0.5),
    ...(random.chance(0.5) && { provider: { order: [first] } }),
  };
}

async function askOnce(world: World, scene: Scene, random: Random): Promise<Seen> {
  const body = bodyFor(random);
  const response = await world.ask(body);
  const text = await response.text();
  const isStream = body.stream === true;
  const { status, headers } = response;
  const route = headers.get("x-turnpike-route")?.split("tried=")[1] ?? "";
  const told = isStream ? closingOf(text) : undefined;
  return {
    scene,
    id: headers.get("inference-id") ?? "",
    isStream,
    how: howOf(status, text, isStream),
    status,
    provider: headers.get("x-inference-provider") ?? "",
    text: isStream ? deltasOf(text) : text,
    restId: told?.continued_from?.rest.inference_id,
    cost: BigInt(told?.cost_nano_usd ?? headers.get("x-turnpike-cost-nano-usd") ?? 0),
    attempts: route === "" ? 0 : route.split(",").length,
    ownMs: timingOf(headers, "turnpike"),
    failedMs: timingOf(headers, "failed"),
    error: status === 200 ? "" : text,
  };
}

function howOf(status: number, text: string, isStream: boolean): Seen["how"] {
  if (status !== 200) return "failed";
  if (!isStream) return "served";
  return text.endsWith("data: [DONE]\n\n") && !text.includes('"error"') ? "served" : "cut";
}

type Closing = {
  readonly cost_nano_usd?: string;
  readonly continued_from?: { readonly rest: { readonly inference_id: string } };
};

const closingOf = (text: string): Closing | undefined => {
  const line = /^: turnpike (.*)$/m.exec(text)?.[1];
  return line === undefined ? undefined : JSON.parse(line);
};

/** What a stream's events add up to. */
function deltasOf(text: string): string {
  let whole = "";
  for (const [, data = ""] of text.matchAll(/^data: (\{.*)$/gm)) {
    whole += JSON.parse(data).choices?.[0]?.delta?.content ?? "";
  }
  return whole;
}

function timingOf(headers: Headers, name: string): number {
  const found = new RegExp(`${name};dur=([\\d.]+)`).exec(headers.get("server-timing") ?? "");
  return Number(found?.[1] ?? 0) / SPEED;
}

const AT_ONCE = 12;

/** So many requests while a scene is on, a dozen at a time. */
export async function play(
  world: World,
  scene: Scene,
  random: Random,
  requests: number,
): Promise<Seen[]> {
  await world.setScene(scene);
  const seen: Seen[] = [];
  let left = requests;
  const one = async (): Promise<void> => {
    while (left-- > 0) seen.push(await askOnce(world, scene, random));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return seen;
}
