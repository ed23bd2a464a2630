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
from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.api.body import Bodies
from tocsin.api.errors import hang_up_response, remote_write_error_response, remote_write_response
from tocsin.errors import Overloaded, Timeout, TocsinError
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
        self._bodies = Bodies(door.options, "wire.remote_write")

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
        with self._bodies.held() as held:
            try:
                body = await held.read(request)
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


async def _wait(pending: PendingWrite) -> None:
    """Until all blocks are durable, or will not be; the futures are the journal's, so none is ever cancelled from here."""
    loop = asyncio.get_running_loop()
    for _, future in pending.blocks:
        if not future.done():
            settled = asyncio.Event()
            future.add_done_callback(lambda _, settled=settled: loop.call_soon_threadsafe(settled.set))  # type: ignore[misc]
            await settled.wait()
