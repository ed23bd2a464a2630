"""
`google.rpc.Status`, OTLP's word for 'no': the body of every refused HTTP request, and the details of every refused gRPC call.

A refusal that passes by itself carries a `google.rpc.RetryInfo`; without one, RESOURCE_EXHAUSTED means 'never send that again'.
Source: OTLP 1.x, sections 'Failures' and 'OTLP/gRPC Throttling'.
"""

from __future__ import annotations

from typing import Any

import orjson
from google.rpc import error_details_pb2, status_pb2

from tocsin.errors import InvalidInput, JournalError, LimitExceeded, Overloaded, StoreError, Timeout, TocsinError

INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
RESOURCE_EXHAUSTED = 8
INTERNAL = 13
UNAVAILABLE = 14
RETRY_AFTER_S = 5.0  # for a full or failing disk, which nobody mends within a second
RETRY_INFO_TYPE = "type.googleapis.com/google.rpc.RetryInfo"

_CODES: tuple[tuple[type[TocsinError], int], ...] = (  # the first that fits
    (LimitExceeded, RESOURCE_EXHAUSTED),
    (InvalidInput, INVALID_ARGUMENT),
    (Overloaded, RESOURCE_EXHAUSTED),
    (JournalError, UNAVAILABLE),
    (StoreError, UNAVAILABLE),
    (Timeout, DEADLINE_EXCEEDED),
)


def rpc_code(error: TocsinError) -> int:
    """The error's number in google.rpc.Code."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), INTERNAL)


def retry_after_s(error: TocsinError) -> float | None:
    """After how many seconds the same may be sent again; None when that is of no use."""
    if isinstance(error, Overloaded):
        return error.retry_after_s
    return RETRY_AFTER_S if error.retryable else None


def protobuf_status(error: TocsinError) -> bytes:
    """The error as a serialized google.rpc.Status."""
    status = status_pb2.Status(code=rpc_code(error), message=str(error))
    if (delay_s := retry_after_s(error)) is not None:
        info = error_details_pb2.RetryInfo()
        info.retry_delay.FromNanoseconds(round(delay_s * 1e9))
        status.details.add().Pack(info)
    data: bytes = status.SerializeToString()
    return data


def json_status(error: TocsinError) -> bytes:
    """The error as a google.rpc.Status in JSON."""
    status: dict[str, Any] = {"code": rpc_code(error), "message": str(error)}
    if (delay_s := retry_after_s(error)) is not None:
        status["details"] = [{"@type": RETRY_INFO_TYPE, "retryDelay": f"{delay_s:.9f}".rstrip("0").rstrip(".") + "s"}]
    return orjson.dumps(status)
