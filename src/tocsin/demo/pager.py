"""
A pager for the demo: takes the pages that Tocsin sends and says them aloud on the terminal.

It speaks Alertmanager's webhook, as any receiver would, and drops what it has heard already by the key that every notification carries.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BODY_BYTES_MAX = 1 << 20
KEY_HEADER = "Idempotency-Key"


class Pager:
    """
    What came in, each key once.

    Args:
        say: Takes a line for the human who watches.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._keys: set[str] = set()
        self.pages: list[dict[str, Any]] = []

    def take(self, who: str, key: str, body: bytes) -> bool:
        """
        Take one webhook; False when it is none.

        Args:
            who: Whose pager it is, from the path.
            key: What the notification is known by; a repeat is not said again.
            body: JSON as Alertmanager sends it.
        """
        try:
            page = json.loads(body)
            alerts = [alert["labels"].get("alertname", "?") for alert in page["alerts"]]
            title = page.get("page", {}).get("title") or page.get("commonAnnotations", {}).get("summary") or ", ".join(sorted(set(alerts)))
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        with self._lock:
            if key and key in self._keys:
                return True
            self._keys.add(key)
            self.pages.append({"who": who, **page})
        self._say(f"PAGER of {who}: [{str(page.get('status', '?')).upper()}] {title}")
        for line in page.get("page", {}).get("lines", []):
            self._say(f"    {line}")
        return True


@contextmanager
def listening(pager: Pager) -> Iterator[str]:
    """Serve it on a loopback port; the value is its base address, to which a name is added: `http://127.0.0.1:39011/ada`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", 0)), BODY_BYTES_MAX)
            taken = pager.take(self.path.strip("/") or "anybody", self.headers.get(KEY_HEADER, ""), self.rfile.read(length))
            self.send_response(HTTPStatus.OK if taken else HTTPStatus.BAD_REQUEST)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its base says
            """What came in is said by the pager."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="pager", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
