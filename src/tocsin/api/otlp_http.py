"""
OTLP over HTTP: POST /v1/traces, /v1/logs, /v1/metrics.

    media type, encoding -> read (bounded) -> inflate (bounded) -> JSON to protobuf -> door -> acceptor -> durable? -> answer

Always holds: a 200 is sent only after the acceptor's future resolved, that is, after the disk has the batch; whatever the body is,
the answer is never a 500; at most `in_flight_bytes_max` bytes of bodies are held.

Source: OTLP 1.x, section 'OTLP/HTTP'.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError, Future
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.api.body import Bodies
from tocsin.api.errors import JSON, PROTOBUF, UnsupportedMedia, hang_up_response, otlp_error_response
from tocsin.clock import Clock
from tocsin.errors import JournalError, TocsinError
from tocsin.model.batch import Acceptor
from tocsin.model.signal import Signal
from tocsin.wire.answers import json_response, protobuf_response
from tocsin.wire.door import Checked, Door
from tocsin.wire.inflate import ENCODINGS, inflate
from tocsin.wire.options import HttpOptions
from tocsin.wire.otlp_json import OtlpJson
from tocsin.wire.traffic import Traffic, TrafficStatistics

THREAD_BYTES_MIN = 256 * 1024  # a body from here on is checked in a thread, so that the others don't wait behind it
PATHS = {Signal.TRACES: "/v1/traces", Signal.LOGS: "/v1/logs", Signal.METRICS: "/v1/metrics"}


def routes(door: Door, accept: Acceptor, clock: Clock, options: HttpOptions | None = None) -> list[Route]:
    """The three routes, for who does not ask for statistics."""
    return OtlpHttp(door, accept, clock, options).routes()


class OtlpHttp:
    """
    Speaks OTLP over HTTP.

    Args:
        door: Checks what comes in.
        accept: Takes what passed, for good.
        clock: The present, against which the door judges times.
        options: Limits.
    """

    def __init__(self, door: Door, accept: Acceptor, clock: Clock, options: HttpOptions | None = None) -> None:
        self._door = door
        self._accept = accept
        self._clock = clock
        self._options = options or HttpOptions()
        self._json = OtlpJson(door.twin)
        self._traffic = Traffic()
        self._bodies = Bodies(self._options, "wire.http")

    def routes(self) -> list[Route]:
        """One route per signal."""
        return [Route(path, partial(self._export, signal), methods=["POST"], name=f"otlp_{signal.value}") for signal, path in PATHS.items()]

    def statistics(self) -> TrafficStatistics:
        """Counts since start."""
        return self._traffic.statistics()

    async def _export(self, signal: Signal, request: Request) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        with self._traffic.request(signal):
            try:
                checked = await self._take(signal, media_type, request)
            except ClientDisconnect:
                self._traffic.count_refused("hang_up")
                return hang_up_response()
            except TocsinError as error:
                self._traffic.count_refused(error.code)
                return otlp_error_response(error, media_type=media_type)
            self._traffic.count_answered(signal, checked)
        body = json_response(signal, checked) if media_type == JSON else protobuf_response(signal, checked)
        return Response(body, media_type=media_type)

    async def _take(self, signal: Signal, media_type: str, request: Request) -> Checked:
        if media_type not in {JSON, PROTOBUF}:
            raise UnsupportedMedia(f"Content-Type must be {PROTOBUF} or {JSON}, found {media_type[:80] or 'none'}")
        encoding = request.headers.get("content-encoding", "").strip().lower() or "identity"
        if encoding not in ENCODINGS:
            raise UnsupportedMedia(f"Content-Encoding must be one of {', '.join(ENCODINGS)}, found {encoding[:80]}")
        with self._bodies.held() as held:
            body = await held.read(request)
            # What a compressed or a JSON body turns into may be a hundred times as large, so only plain small ones stay on the event loop.
            if len(body) >= THREAD_BYTES_MIN or encoding != "identity" or media_type == JSON:
                checked = await run_in_threadpool(self._check, signal, media_type, encoding, body)
            else:
                checked = self._check(signal, media_type, encoding, body)
            if checked.batch is not None:
                held.add(len(checked.batch.body) - len(body))
                del body
                await _settle(self._accept(checked.batch))
        return checked

    def _check(self, signal: Signal, media_type: str, encoding: str, body: bytes) -> Checked:
        inflated = inflate(body, encoding, bytes_max=self._options.inflated_bytes_max)
        self._traffic.count_body(received_bytes=len(body), inflated_bytes=len(inflated))
        if media_type == JSON:
            return self._door.admit(signal, self._json.parse(signal, inflated), now_ns=self._clock.now_ns())
        return self._door.check(signal, inflated, now_ns=self._clock.now_ns())


async def _settle(future: Future[None]) -> None:
    """
    Wait until the batch is durable.

    Not asyncio.wrap_future: that one cancels the acceptor's future when this task is cancelled, and the journal would trip over it.
    """
    if not future.done():
        loop = asyncio.get_running_loop()
        settled = asyncio.Event()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(settled.set))
        await settled.wait()
    try:
        future.result()
    except CancelledError as error:
        raise JournalError("the journal was closed before the batch was durable; send it again") from error
