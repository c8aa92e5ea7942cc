/**
 * Points `@huggingface/inference` at a Turnpike. The client has the addresses of Hugging Face's router and Hub written
 * into it, and polls with the global `fetch` whatever its options say; so that is where the addresses are exchanged.
 *
 *     import { InferenceClient } from "@huggingface/inference";
 *     import { useTurnpike } from "./huggingface.mjs";
 *
 *     useTurnpike("http://127.0.0.1:7070");
 *     const client = new InferenceClient("hf_tp…");
 */

const ROUTER = "https://router.huggingface.co";
const HUB = "https://huggingface.co";
/** How tokens of a Turnpike begin. */
const OUR_TOKEN = /^bearer hf_tp/i;

/**
 * Replaces `globalThis.fetch`. Whatever the client asks of the router goes to `origin`, and so do its look-ups of
 * models and tasks on the Hub; files of the Hub, results and all other traffic go where they went before. Returns a
 * function that undoes it.
 *
 * @param {string | URL} origin where Turnpike listens, like "http://127.0.0.1:7070"
 * @returns {() => void}
 */
export function useTurnpike(origin) {
  const before = globalThis.fetch;
  const ours = turnpikeFetch(origin, before);
  let isInUse = true;
  /** @type {typeof fetch} */
  const replaced = (input, init) => (isInUse ? ours : before)(input, init);
  globalThis.fetch = Object.assign(replaced, before);
  return () => {
    isInUse = false;
    // Somebody may have put a fetch of their own around this one; it then goes through as if it were not there.
    if (globalThis.fetch === replaced) globalThis.fetch = before;
  };
}

/**
 * A `fetch` for the client's option of that name, where the global one must stay as it is. The client's jobs (fal's
 * queue, and videos) poll with the global one, so they need `useTurnpike`.
 *
 * @param {string | URL} origin
 * @param {typeof fetch} [inner] what to send with
 * @returns {typeof fetch}
 */
export function turnpikeFetch(origin, inner = globalThis.fetch) {
  const base = baseOf(origin);
  return Object.assign(
    /** @type {typeof fetch} */
    (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input, "http://nowhere.invalid");
      const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : {}));
      const isLookUp = url.origin === HUB && isOurs(url, headers);
      if (url.origin !== ROUTER && !isLookUp) return inner(input, init);
      const target = `${base}${url.pathname}${url.search}`;
      const request = input instanceof Request ? new Request(target, input) : target;
      if (!isLookUp || OUR_TOKEN.test(headers.get("authorization") ?? ""))
        return inner(request, init);
      // A token of the Hub's own is nobody's business but the Hub's.
      headers.delete("authorization");
      return inner(request, { ...init, headers });
    },
    inner,
  );
}

/** What Turnpike answers of the Hub's API. The rest of it is about files. */
function isOurs({ pathname, searchParams }, headers) {
  if (pathname === "/api/whoami-v2") return OUR_TOKEN.test(headers.get("authorization") ?? "");
  if (pathname === "/api/models") return searchParams.has("inference_provider");
  return pathname === "/api/tasks" || /^\/api\/models\/[^/]+(\/[^/]+)?$/.test(pathname);
}

function baseOf(origin) {
  const { protocol, href } = new URL(origin);
  if (protocol === "http:" || protocol === "https:") return href.replace(/\/+$/, "");
  throw new TypeError(`Turnpike's address must begin with http:// or https://, not ${protocol}`);
}
