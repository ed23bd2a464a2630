"""
What keeps a web page that somebody on this machine happens to visit from reading or changing telemetry.

    Host is not ours            refused: a name of the attacker's that resolves to 127.0.0.1 (DNS rebinding) would make his page same-origin
    a large body to /api        refused: questions are short, and would be read into memory whole
    cross-origin POST to /api   refused (to the other APIs too): Sec-Fetch-Site or Origin say where it comes from; programs send neither
    CORS                        never granted, so no page of another origin can read an answer

The ingest routes are covered by the first rule and by their media types, which a page can't send across origins without a preflight.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin.api.errors import error_response
from tocsin.errors import InvalidInput, LimitExceeded

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
BODY_BYTES_MAX = 1 << 20  # of questions; the longest statement that is taken has 20,000 characters
ALERT_BODY_BYTES_MAX = 8 << 20  # of alerts that others post: ten thousand of them, with their texts
ALERTS_PATH = "/alertmanager/api/v2/alerts"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
GUARDED = ("/api", "/prometheus", "/alertmanager")
WRITE_PATHS = frozenset({"/prometheus/api/v1/write", "/api/v1/write"})
SAFE_FETCH_SITES = frozenset({"same-origin", "none"})
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class BrowserGuard:
    """
    ASGI middleware with the rules above.

    Args:
        app: The application inside.
        hosts: Names that the Host header may carry, without port; None allows any (not listening on loopback).
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] | None) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await error_response(refusal, path=str(scope["path"]))(scope, receive, send)
        elif _is_ingest(scope):
            await self._app(scope, receive, send)  # exporters are no browsers: headers would only cost them bytes
        else:
            await self._app(scope, _bounded(receive, _body_bytes_max(scope)), _adding_headers(send))

    def _refusal(self, scope: Scope) -> InvalidInput | None:
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        limit = _body_bytes_max(scope)
        if not _is_ingest(scope) and declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
            return LimitExceeded(f"the body is larger than {limit} bytes; send less at once")
        host = headers.get("host", "")
        if self._hosts is not None and host_name(host) not in self._hosts:
            return InvalidInput(
                f"the Host header says {host[:100]!r}, which is none of this server's names ({', '.join(sorted(self._hosts))});"
                " add it to server.hosts if it is right"
            )
        if scope["method"] in SAFE_METHODS or not str(scope["path"]).startswith(GUARDED):
            return None
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        foreign_site = site is not None and site not in SAFE_FETCH_SITES
        foreign_origin = origin is not None and _netloc(origin) != host.lower()
        if foreign_site or foreign_origin:
            return InvalidInput(
                f"requests from pages of another origin ({(origin or site or '')[:100]}) are refused; ask from this server's own"
            )
        return None


def _is_ingest(scope: Scope) -> bool:
    path = str(scope["path"])
    return path.startswith("/v1/") or path in WRITE_PATHS


def _body_bytes_max(scope: Scope) -> int:
    return ALERT_BODY_BYTES_MAX if scope["path"] == ALERTS_PATH else BODY_BYTES_MAX


def _bounded(receive: Receive, bytes_max: int) -> Receive:
    """What comes after the first `bytes_max` bytes is taken for a sender who hung up."""
    taken = 0

    async def receive_bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= bytes_max else {"type": "http.disconnect"}

    return receive_bounded


def host_name(host: str) -> str:
    """The name in a Host header: without port, without brackets, lower case; empty when it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _adding_headers(send: Send) -> Send:
    async def send_with_headers(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            present = list(message.get("headers", ()))  # type: ignore[call-overload]
            message["headers"] = [*present, *HEADERS]
        await send(message)

    return send_with_headers  # type: ignore[return-value]
