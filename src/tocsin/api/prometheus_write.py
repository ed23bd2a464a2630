"""
Prometheus remote write over HTTP: POST of a WriteRequest (1.0) or a Request (2.0).

    headers -> read (bounded, in time) -> door, in a thread -> acceptor -> durable? -> answer

    204  everything is stored                       400  something is refused for good, the rest is stored; or the body can't be read
    415  neither of the two messages, or another    413  larger than one request may be
         compression than snappy, zstd, none        503  not now, the same again after Retry-After

Always holds: nothing is acknowledged before it is durable; every answer says how many samples, histograms and exemplars were written; at
most `in_flight_bytes_max` bytes of bodies, as sent and inflated, are held.

Source: Prometheus Remote-Write 1.0 and 2.0 specifications.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.api.errors import hang_up_response, remote_write_error_response, remote_write_response
from tocsin.errors import LimitExceeded, Overloaded, Timeout, TocsinError
from tocsin.wire.prometheus.options import RemoteWriteOptions
from tocsin.wire.prometheus.remote_write import PendingWrite, RemoteWriteDoor
from tocsin.wire.prometheus.write_content import inflated_size, negotiate
from tocsin.wire.prometheus.write_outcome import WriteOutcome

PATH = "/prometheus/api/v1/write"


def prometheus_write_routes(door: RemoteWriteDoor, paths: Sequence[str] = (PATH,)) -> list[Route]:
    """
    One route per path; all of them lead to the same door and share its limits.

    Args:
        door: Takes the requests.
        paths: Where it is asked for.
    """
    receiver = _Receiver(door)
    return [Route(path, receiver.receive, methods=["POST"], name=f"prometheus_write_{number}") for number, path in enumerate(paths)]


class _Receiver:
    def __init__(self, door: RemoteWriteDoor) -> None:
        self._door = door
        self._held = _Held(door.options)

    async def receive(self, request: Request) -> Response:
        """Take one request."""
        try:
            outcome = await self._take(request)
        except ClientDisconnect:
            return hang_up_response()
        except TocsinError as error:
            return remote_write_error_response(error)
        return remote_write_response(outcome)

    async def _take(self, request: Request) -> WriteOutcome:
        content = negotiate(request.headers.get("content-type", ""), request.headers.get("content-encoding", ""))
        with self._held.part() as held:
            try:
                body = await self._read(request, held)
                held.add(inflated_size(body, content.encoding, bytes_max=self._door.options.inflated_bytes_max))
            except (Overloaded, Timeout):
                self._door.count_postponed()
                raise
            pending = await run_in_threadpool(self._door.take, body, content)
            del body
            await _wait(pending)
            if pending.resolved.definitions:  # noting thousands of new series takes longer than an event loop should
                return await run_in_threadpool(self._door.settle, pending)
            return self._door.settle(pending)

    async def _read(self, request: Request, held: _Part) -> bytes:
        """The body, as far as the limits allow."""
        options = self._door.options
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and (len(declared) > 18 or int(declared) > options.body_bytes_max):
            raise _too_large(options)
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(options.read_s_max):
                async for chunk in request.stream():
                    held.add(len(chunk))
                    if held.size_bytes > options.body_bytes_max:
                        raise _too_large(options)
                    chunks.append(chunk)
        except TimeoutError:
            raise Timeout(f"the body did not arrive within read_s_max ({options.read_s_max:g} s); send it again") from None
        return b"".join(chunks)


class _Held:
    """The bytes of bodies that are held now; touched on the event loop only."""

    def __init__(self, options: RemoteWriteOptions) -> None:
        self.options = options
        self.size_bytes = 0

    @contextmanager
    def part(self) -> Iterator[_Part]:
        """One request's part of it, given back at the end."""
        part = _Part(self)
        try:
            yield part
        finally:
            self.size_bytes -= part.size_bytes


class _Part:
    def __init__(self, held: _Held) -> None:
        self._held = held
        self.size_bytes = 0

    def add(self, size_bytes: int) -> None:
        """Hold more for this request; Overloaded when that is too much for all of them together."""
        self.size_bytes += size_bytes
        self._held.size_bytes += size_bytes
        options = self._held.options
        if self._held.size_bytes > options.in_flight_bytes_max:
            message = f"more than {options.in_flight_bytes_max} bytes of requests are in flight; send again later"
            raise Overloaded(message, retry_after_s=options.retry_after_s)


async def _wait(pending: PendingWrite) -> None:
    """Until all blocks are durable, or will not be; the futures are the journal's, so none is ever cancelled from here."""
    loop = asyncio.get_running_loop()
    for _, future in pending.blocks:
        if not future.done():
            settled = asyncio.Event()
            future.add_done_callback(lambda _, settled=settled: loop.call_soon_threadsafe(settled.set))  # type: ignore[misc]
            await settled.wait()


def _too_large(options: RemoteWriteOptions) -> LimitExceeded:
    return LimitExceeded(f"the body is larger than {options.body_bytes_max} bytes; send smaller batches or raise body_bytes_max")
