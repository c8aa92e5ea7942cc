"""Points Python's huggingface_hub at a Turnpike.

The package has the addresses of Hugging Face's router and Hub written into it, so they are exchanged where its
requests leave: in the HTTP client that it lets one replace.

    from huggingface_hub import InferenceClient
    from turnpike_hf import use_turnpike

    use_turnpike("http://127.0.0.1:7070")
    client = InferenceClient(api_key="hf_tp...")
"""

import importlib
import re
from urllib.parse import urlsplit

import huggingface_hub

ROUTER = "https://router.huggingface.co"
HUB = "https://huggingface.co"
# How tokens of a Turnpike begin.
OUR_TOKEN = re.compile("bearer hf_tp", re.IGNORECASE)
# What Turnpike answers of the Hub's API. The rest of it is about files.
LOOK_UP = re.compile(r"/api/(tasks|models/[^/]+(/[^/]+)?)")


def use_turnpike(origin: str) -> None:
    """From now on, in this process, sends to `origin` what is for the router, and look-ups of models and tasks.

    Files of the Hub, results and all other traffic go where they went before. Sessions of huggingface_hub that
    are open are closed; hooks and headers of the client in use are kept.
    """
    base = _base_of(origin)
    before = huggingface_hub.get_session()
    httpx = _httpx_of(before)
    to_turnpike = _transports(httpx, base)
    hooks, headers = before.event_hooks, before.headers
    async_hooks = huggingface_hub.get_async_session().event_hooks

    def client(cls, transport, event_hooks):
        return cls(
            # Only these two hosts; proxies of the environment keep the rest.
            mounts={ROUTER: transport(), HUB: transport()},
            event_hooks=event_hooks,
            headers=headers,
            follow_redirects=True,
            timeout=None,
        )

    sync_transport, async_transport = to_turnpike
    huggingface_hub.set_client_factory(
        lambda: client(httpx.Client, sync_transport, hooks)
    )
    huggingface_hub.set_async_client_factory(
        lambda: client(httpx.AsyncClient, async_transport, async_hooks)
    )


def _transports(httpx, base):
    """Two classes that send with httpx's own transports: one that waits and one that is awaited."""

    class ToTurnpike(httpx.HTTPTransport):
        def handle_request(self, request):
            return super().handle_request(_rewritten(httpx, base, request))

    class AsyncToTurnpike(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request):
            return await super().handle_async_request(_rewritten(httpx, base, request))

    return ToTurnpike, AsyncToTurnpike


def _rewritten(httpx, base, request):
    """The same request to us. The client keeps the original, by whose host it knows how to poll."""
    is_look_up = request.url.host == urlsplit(HUB).hostname
    if is_look_up and not _is_ours(request):
        return request
    headers = httpx.Headers(request.headers)
    headers["host"] = urlsplit(base).netloc
    if is_look_up and not _has_our_token(request):
        # A token of the Hub's own is nobody's business but the Hub's.
        headers.pop("authorization", None)
    return httpx.Request(
        request.method,
        base + request.url.raw_path.decode("ascii"),
        headers=headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def _is_ours(request):
    path = request.url.path
    if path == "/api/whoami-v2":
        return _has_our_token(request)
    if path == "/api/models":
        return "inference_provider" in request.url.params
    return LOOK_UP.fullmatch(path) is not None


def _has_our_token(request):
    return OUR_TOKEN.match(request.headers.get("authorization", "")) is not None


def _httpx_of(session):
    """The httpx that this huggingface_hub is built on: since its version 2 that is a package called httpx2."""
    cls = next(one for one in type(session).__mro__ if one.__name__ == "Client")
    return importlib.import_module(cls.__module__.partition(".")[0])


def _base_of(origin):
    parts = urlsplit(origin)
    if parts.scheme in ("http", "https") and parts.hostname:
        return origin.rstrip("/")
    raise ValueError(f"Turnpike's address must be like http://127.0.0.1:7070, not {origin!r}")
