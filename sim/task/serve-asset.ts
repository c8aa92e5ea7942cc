import { breakingOff } from "../break-off.js";
import { ENDLESS_BYTES_MAX } from "../limits.js";
import type { State } from "../state.js";
import { wait } from "../wait.js";
import type { Asset } from "./assets.js";

/** `/_sim/assets/{id}/{name}`: open to anyone who knows it, as signed links are. */
export async function serveAsset(state: State, request: Request, id: string): Promise<Response> {
  state.downloads.served += 1;
  // Credentials do not belong on a CDN's links; whoever sends them leaks them.
  if (request.headers.has("authorization")) state.downloads.withCredentials += 1;
  const asset = state.assets.get(id);
  if (!asset) return new Response("not found", { status: 404 });
  await wait(asset.dials.asset_latency_ms ?? 0, request.signal);
  if (asset.dials.asset_status) {
    return new Response("no such file", { status: asset.dials.asset_status });
  }
  return asset.dials.asset ? spoilt(asset, asset.dials.asset, request) : whole(asset);
}

const whole = ({ bytes, type }: Asset): Response =>
  new Response(bytes, { headers: { "content-type": type } });

function spoilt(asset: Asset, fault: NonNullable<Asset["dials"]["asset"]>, request: Request) {
  const headers = { "content-type": asset.type };
  const half = asset.bytes.slice(0, asset.bytes.length >> 1);
  switch (fault) {
    case "too_large":
      return new Response(endless(asset.bytes), { headers });
    case "redirect":
      return redirect("/_sim/redirected");
    case "redirect_inside":
      return redirect("http://169.254.169.254/latest/meta-data/");
    case "redirect_endless":
      return redirect(new URL(request.url).pathname);
    case "truncated":
      return new Response(half, { headers });
    case "cut":
    case "stall":
      return new Response(
        breakingOff(half, fault, request.signal, () => {}),
        { headers },
      );
    case "empty":
      return new Response(new Uint8Array(0), { headers });
    case "html":
      return new Response("<!DOCTYPE html><html><body><h1>Expired</h1></body></html>", {
        headers: { "content-type": "text/html; charset=utf-8" },
      });
    case "untyped":
      return new Response(asset.bytes, { headers: { "content-type": "application/octet-stream" } });
  }
}

const redirect = (location: string): Response =>
  new Response(null, { status: 302, headers: { location } });

/** The file and then zeros, which most formats allow, up to a bound. */
function endless(first: Uint8Array): ReadableStream {
  const block = new Uint8Array(1 << 16);
  let sent = 0;
  return new ReadableStream({
    start: (controller) => controller.enqueue(first),
    pull(controller) {
      controller.enqueue(block);
      sent += block.length;
      if (sent >= ENDLESS_BYTES_MAX) controller.close();
    },
  });
}
