"""
Bodies of requests that bring telemetry: read in bounded memory and time, whatever their protocol.

Always holds: at most `in_flight_bytes_max` bytes of one door's bodies are held, as they came and as they were inflated; a request that
would need more is told to come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from starlette.requests import Request

from tocsin.errors import LimitExceeded, Overloaded, Timeout


class BodyLimits(Protocol):
    """The options that bound bodies."""

    @property
    def body_bytes_max(self) -> int:
        """Largest body, bytes as sent."""
        ...

    @property
    def read_s_max(self) -> float:
        """Seconds within which it must have arrived."""
        ...

    @property
    def in_flight_bytes_max(self) -> int:
        """Bytes of all bodies that are held at a time."""
        ...

    @property
    def retry_after_s(self) -> float:
        """Seconds after which somebody who is told to come back may."""
        ...


class Bodies:
    """
    The bodies of one door; touched on the event loop only.

    Args:
        limits: Its options.
        group: What they are called in the configuration: `wire.http`.
    """

    def __init__(self, limits: BodyLimits, group: str) -> None:
        self.limits = limits
        self.group = group
        self.size_bytes = 0

    @contextmanager
    def held(self) -> Iterator[Held]:
        """One request's part of what is held, given back at the end."""
        part = Held(self)
        try:
            yield part
        finally:
            self.size_bytes -= part.size_bytes


class Held:
    """What one request holds."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.size_bytes = 0

    def add(self, size_bytes: int) -> None:
        """Hold more (or less) for this request; Overloaded when that is too much for all of them together."""
        self.size_bytes += size_bytes
        self._bodies.size_bytes += size_bytes
        limits = self._bodies.limits
        if self._bodies.size_bytes > limits.in_flight_bytes_max:
            message = f"more than {limits.in_flight_bytes_max} bytes of requests are in flight; send again later"
            raise Overloaded(message, retry_after_s=limits.retry_after_s)

    async def read(self, request: Request) -> bytes:
        """
        The body, as far as the limits allow.

        Raises:
            LimitExceeded: It is larger than one may be.
            Timeout: It did not arrive in time.
            Overloaded: All bodies together are too much.
        """
        limits, group = self._bodies.limits, self._bodies.group
        too_large = LimitExceeded(
            f"the body is larger than {limits.body_bytes_max} bytes; send smaller batches or raise {group}.body_bytes_max"
        )
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and (len(declared) > 18 or int(declared) > limits.body_bytes_max):
            raise too_large
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(limits.read_s_max):
                async for chunk in request.stream():
                    self.add(len(chunk))
                    if self.size_bytes > limits.body_bytes_max:
                        raise too_large
                    chunks.append(chunk)
        except TimeoutError:
            raise Timeout(f"the body did not arrive within {group}.read_s_max ({limits.read_s_max:g} s); send it again") from None
        return b"".join(chunks)
