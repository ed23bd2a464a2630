"""
A time limit over a whole exchange: libraries limit each read of its own, so a receiver that drips would hold a thread for ever.

    with Deadline(10) as deadline:
        deadline.watch(connection.sock)
        ...                                   a read that waits at the end of that time fails; `deadline.over` says why
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self


class Deadline:
    """
    Ends connections when time is over.

    Args:
        seconds: How long the exchange may take.
    """

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def watch(self, connection: socket.socket | None) -> None:
        """End this connection, too, when time is over; at once when it is already."""
        with self._lock:
            self._socket = connection
            over = self.over
        if over:
            self._end()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpx calls as its extension `trace`: connections are watched as they are made."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self.watch(info["return_value"].get_extra_info("socket"))

    def _end(self) -> None:
        with self._lock:
            self.over = True
            connection = self._socket
        if connection is not None:
            with suppress(OSError):
                # Of the plain class: that of TLS would change state under the thread that reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
