"""
One id that follows a request through all services, beside the trace id: people paste it into tickets.

It arrives in the header `x-request-id` (the first service makes one when it is missing), rides in a context variable, and leaves
in the same header towards other services and in the response. Every log record and every server span carries it as `request_id`.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar

from tocsin.clock import RealEntropy

HEADER = "x-request-id"
ATTRIBUTE = "request_id"
_LENGTH_MAX = 64  # an id from outside is repeated into every log record: it must not be a way to fill a disk

_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """The id of the request that is being served here; empty outside of one."""
    return _current.get()


def current_roll() -> str:
    """
    What `Chance` decides by while this request is served: the last part of its id, `000041` of `req-3fa9-000041`.

    The part before it differs from run to run, so that ids stay unique; what happens to the 41st request does not.
    """
    return current_request_id().rpartition("-")[2]


def enter_request(header: str | None) -> str:
    """Take the id from the header, or make one if it is missing or not fit to be logged; from here on it is the current one."""
    request_id = (header or "").strip()
    if not request_id or len(request_id) > _LENGTH_MAX or not request_id.isascii() or not request_id.isprintable():
        request_id = f"req-{RealEntropy().token_hex(6)}"
    _current.set(request_id)
    return request_id


def outgoing_headers() -> dict[str, str]:
    """What to send along to another service."""
    request_id = current_request_id()
    return {HEADER: request_id} if request_id else {}


class RequestIdFilter(logging.Filter):
    """Puts the current id on every log record that passes, where the OpenTelemetry handler finds it as an attribute."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything pass, with the id on it."""
        if request_id := current_request_id():
            setattr(record, ATTRIBUTE, request_id)
        return True
