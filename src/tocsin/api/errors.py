"""
The only file that knows HTTP status codes: the tree of `tocsin.errors`, as HTTP says it.

    InvalidInput, ParseError, ConfigError  400     NotFound  404     Conflict           409     Timeout             504
    UnsupportedMedia                       415     Overloaded 429    LimitExceeded      413     StoreError, JournalError 503
    DeliveryError                          502

Our own API answers every error with one JSON body:

    {"error": {"code": "parse_error", "message": "...", "retryable": false, "position": 17}}

`position`, `key`, `retry_after_s` and `details` stand there when the error has them. OTLP is answered with `google.rpc.Status`, Prometheus
remote write with a line of text, and with 503 wherever the same may come again; everything else under /prometheus and /alertmanager as
their APIs say errors.
An exception that nobody meant is a 500 whose body says no more than that; the log has the rest.
"""

from __future__ import annotations

import http
import logging
import math
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tocsin.errors import (
    ConfigError,
    Conflict,
    DeliveryError,
    InvalidInput,
    JournalError,
    LimitExceeded,
    NotFound,
    Overloaded,
    ParseError,
    StoreError,
    Timeout,
    TocsinError,
)
from tocsin.wire.prometheus.write_content import UnsupportedContent
from tocsin.wire.prometheus.write_outcome import WriteOutcome
from tocsin.wire.rpc_status import json_status, protobuf_status, retry_after_s

JSON = "application/json"
PROMETHEUS_PREFIX = "/prometheus"
ALERTMANAGER_PREFIX = "/alertmanager"
PROTOBUF = "application/x-protobuf"
logger = logging.getLogger(__name__)


class UnsupportedMedia(InvalidInput):
    """The body is of a media type or a content encoding that this route does not take; the message names those that it does."""

    code = "unsupported_media_type"


class InvalidField(InvalidInput):
    """A field that Alertmanager's API needs is missing or of another form; `number` is its own for what is wrong, such as 602."""

    def __init__(self, message: str, *, number: int) -> None:
        super().__init__(message)
        self.number = number


STATUSES: tuple[tuple[type[TocsinError], http.HTTPStatus], ...] = (  # the first that fits
    (UnsupportedMedia, http.HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (UnsupportedContent, http.HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (LimitExceeded, http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (InvalidInput, http.HTTPStatus.BAD_REQUEST),
    (ConfigError, http.HTTPStatus.BAD_REQUEST),
    (NotFound, http.HTTPStatus.NOT_FOUND),
    (Conflict, http.HTTPStatus.CONFLICT),
    (Overloaded, http.HTTPStatus.TOO_MANY_REQUESTS),
    (Timeout, http.HTTPStatus.GATEWAY_TIMEOUT),
    (StoreError, http.HTTPStatus.SERVICE_UNAVAILABLE),
    (JournalError, http.HTTPStatus.SERVICE_UNAVAILABLE),
    (DeliveryError, http.HTTPStatus.BAD_GATEWAY),
)
# A query that is larger than a limit, or that meets data that it can't put together, is well formed all the same.
PROMETHEUS: tuple[tuple[type[TocsinError], str, http.HTTPStatus], ...] = (  # the first that fits
    (ParseError, "bad_data", http.HTTPStatus.BAD_REQUEST),
    (InvalidInput, "execution", http.HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFound, "not_found", http.HTTPStatus.NOT_FOUND),
    (Timeout, "timeout", http.HTTPStatus.SERVICE_UNAVAILABLE),
    (Overloaded, "unavailable", http.HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreError, "internal", http.HTTPStatus.INTERNAL_SERVER_ERROR),
)
CODES = {  # the `code` of what Starlette and FastAPI raise by themselves
    http.HTTPStatus.NOT_FOUND: NotFound.code,
    http.HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE: LimitExceeded.code,
    http.HTTPStatus.UNSUPPORTED_MEDIA_TYPE: UnsupportedMedia.code,
}


def install(app: Starlette) -> None:
    """Let the application answer every error as this file says."""
    app.add_exception_handler(TocsinError, _answer_tocsin)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_unexpected)


def status_of(error: TocsinError) -> int:
    """The HTTP status that says it."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), http.HTTPStatus.INTERNAL_SERVER_ERROR).value


def _has_status(error: TocsinError) -> bool:
    return any(isinstance(error, kind) for kind, _ in STATUSES)


def error_response(error: TocsinError, *, path: str = "") -> Response:
    """The error as our own API says it; as that of Prometheus or Alertmanager where `path`, that of the request, belongs to it."""
    if _is_under(PROMETHEUS_PREFIX, path):
        return _prometheus_body(status_of(error), "bad_data", str(error), _retry_headers(error))
    if _is_under(ALERTMANAGER_PREFIX, path):
        return _alertmanager_body(status_of(error), str(error), headers=_retry_headers(error))
    return _error_body(status_of(error), error.code, str(error), error.retryable, _extras(error), _retry_headers(error))


def otlp_error_response(error: TocsinError, *, media_type: str) -> Response:
    """The error as OTLP says it: a google.rpc.Status in the request's own media type, JSON when that is neither of the two."""
    body = protobuf_status(error) if media_type == PROTOBUF else json_status(error)
    media_type = PROTOBUF if media_type == PROTOBUF else JSON
    return Response(body, status_of(error), media_type=media_type, headers=_retry_headers(error))


def prometheus_error_response(error: TocsinError) -> Response:
    """The error as the Prometheus API says it: 400 bad_data, 422 execution, 503 timeout, 500 internal."""
    kind, status = next(
        ((kind, status) for cause, kind, status in PROMETHEUS if isinstance(error, cause)),
        ("internal", http.HTTPStatus.INTERNAL_SERVER_ERROR),
    )
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("the Prometheus API could not answer: %s", error)
    return _prometheus_body(status.value, kind, str(error), _retry_headers(error))


def alertmanager_error_response(error: TocsinError) -> Response:
    """
    The error as Alertmanager's API says it.

    What its handlers refuse is a text as JSON; what is not even a question or an order of that API is `{"code", "message"}`.
    """
    if isinstance(error, InvalidField):
        return _alertmanager_body(http.HTTPStatus.UNPROCESSABLE_ENTITY, str(error), number=error.number)
    status = status_of(error)
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("the Alertmanager API could not answer: %s", error)
    if isinstance(error, ParseError | UnsupportedMedia | LimitExceeded | Overloaded | Timeout):
        return _alertmanager_body(status, str(error), headers=_retry_headers(error))
    return Response(orjson.dumps(str(error)), status, media_type=JSON, headers=_retry_headers(error))


def alertmanager_nothing_response() -> Response:
    """That there is no such silence, as Alertmanager's API says it: without a word."""
    return Response(status_code=http.HTTPStatus.NOT_FOUND)


def alertmanager_gone_response() -> Response:
    """That version 1 of Alertmanager's API is no more."""
    message = f"version 1 of the API is gone, as it is from Alertmanager since 0.27; ask {ALERTMANAGER_PREFIX}/api/v2"
    return Response(orjson.dumps({"status": "deprecated", "error": message}), http.HTTPStatus.GONE, media_type=JSON)


def remote_write_response(outcome: WriteOutcome) -> Response:
    """What became of a remote write: nothing to say, how much was refused and why, or that it should come again."""
    written = (outcome.samples, outcome.histograms, outcome.exemplars)
    if outcome.error is not None:
        return remote_write_error_response(outcome.error, written)
    if outcome.refused:
        return _remote_write_text(http.HTTPStatus.BAD_REQUEST, outcome.message, written)
    return Response(status_code=http.HTTPStatus.NO_CONTENT, headers=_written_headers(written))


def remote_write_error_response(error: TocsinError, written: tuple[int, int, int] = (0, 0, 0)) -> Response:
    """
    The error as a remote write sender needs it: a sentence for its log.

    `written` counts samples, histograms and exemplars. Overload is a 503 here: by the protocol a sender must repeat what met a 5xx, and may
    throw away what met a 429, which is what Prometheus does unless it is told otherwise.
    """
    status = http.HTTPStatus.SERVICE_UNAVAILABLE if error.retryable else http.HTTPStatus(status_of(error))
    return _remote_write_text(status, str(error), written, _retry_headers(error))


def hang_up_response() -> Response:
    """What is 'sent' to a client that is gone; only the server's access log ever sees it."""
    return Response(status_code=http.HTTPStatus.BAD_REQUEST)


def _remote_write_text(
    status: http.HTTPStatus, message: str, written: tuple[int, int, int], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(message + "\n", status, media_type="text/plain", headers={**_written_headers(written), **(headers or {})})


def _written_headers(written: tuple[int, int, int]) -> dict[str, str]:
    kinds = ("Samples", "Histograms", "Exemplars")
    return {f"X-Prometheus-Remote-Write-{kind}-Written": str(count) for kind, count in zip(kinds, written, strict=True)}


def _extras(error: TocsinError) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if isinstance(error, ParseError) and error.position is not None:
        extras["position"] = error.position
    if isinstance(error, ConfigError) and error.key:
        extras["key"] = error.key
    if (delay_s := retry_after_s(error)) is not None:
        extras["retry_after_s"] = delay_s
    return extras


def _retry_headers(error: TocsinError) -> dict[str, str]:
    delay_s = retry_after_s(error)
    return {} if delay_s is None else {"Retry-After": str(max(1, math.ceil(delay_s)))}


def _error_body(
    status: int, code: str, message: str, retryable: bool, extras: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    body = {"error": {"code": code, "message": message, "retryable": retryable, **extras}}
    return Response(orjson.dumps(body, default=str), status, media_type=JSON, headers=headers)


def _is_under(prefix: str, path: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def _prometheus_body(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"status": "error", "errorType": kind, "error": message}
    return Response(orjson.dumps(body), status, media_type=JSON, headers=headers)


def _alertmanager_body(status: int, message: str, *, number: int = 0, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps({"code": number or int(status), "message": message}), status, media_type=JSON, headers=headers)


def _route_of(request: Request) -> str:
    """The route as it was declared: a path may hold a secret, such as the address of a calendar."""
    return str(getattr(request.scope.get("route"), "path", request.url.path))


def _answer_tocsin(request: Request, error: Exception) -> Response:
    assert isinstance(error, TocsinError)
    if status_of(error) >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        # A full disk or a locked database says what it is, once per request; only what nobody gave a kind of its own needs its trace.
        logger.error("%s %s failed: %s", request.method, _route_of(request), error, exc_info=None if _has_status(error) else error)
    return error_response(error)


def _answer_validation(_request: Request, error: Exception) -> Response:
    """What FastAPI finds wrong with parameters or a body, all of it at once."""
    assert isinstance(error, RequestValidationError)
    details = [{"place": ".".join(str(part) for part in item["loc"]), "message": item["msg"]} for item in error.errors()]
    message = "; ".join(f"{item['place']}: {item['message']}" for item in details)
    return _error_body(http.HTTPStatus.UNPROCESSABLE_ENTITY, InvalidInput.code, message, False, {"details": details})


def _answer_http(request: Request, error: Exception) -> Response:
    """Wrong path, wrong method, and what a framework's own checks raise."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status == http.HTTPStatus.NOT_FOUND and error.detail == http.HTTPStatus.NOT_FOUND.phrase:
        message = f"there is nothing at {request.url.path}"
    elif status == http.HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        message = f"{request.url.path} does not take {request.method}; use {allowed}"
    else:
        message = str(error.detail)
    if status < http.HTTPStatus.OK or status in {http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED}:
        return Response(status_code=status, headers=error.headers)
    server_fault = status >= http.HTTPStatus.INTERNAL_SERVER_ERROR
    if _is_under(ALERTMANAGER_PREFIX, request.url.path):
        return _alertmanager_body(status, message, headers=error.headers)
    if _is_under(PROMETHEUS_PREFIX, request.url.path):
        kind = "not_found" if status == http.HTTPStatus.NOT_FOUND else "internal" if server_fault else "bad_data"
        return _prometheus_body(status, kind, message, error.headers)
    code = CODES.get(http.HTTPStatus(status), TocsinError.code if server_fault else InvalidInput.code)
    return _error_body(status, code, message, server_fault, {}, error.headers)


def _answer_unexpected(request: Request, error: Exception) -> Response:
    """A bug of ours. Starlette raises it again after the answer, so tests and the server's log see it too."""
    logger.error("%s %s: unexpected %s", request.method, _route_of(request), type(error).__name__, exc_info=error)
    message = "something went wrong inside Tocsin; its log says what"
    if _is_under(PROMETHEUS_PREFIX, request.url.path):
        return _prometheus_body(http.HTTPStatus.INTERNAL_SERVER_ERROR, "internal", message)
    if _is_under(ALERTMANAGER_PREFIX, request.url.path):
        return _alertmanager_body(http.HTTPStatus.INTERNAL_SERVER_ERROR, message)
    return _error_body(http.HTTPStatus.INTERNAL_SERVER_ERROR, TocsinError.code, message, False, {})
