"""Every error as HTTP says it."""

from __future__ import annotations

import inspect
import logging

import pytest
from fastapi import FastAPI
from google.rpc import error_details_pb2, status_pb2
from tests.api.asgi_client import AsgiClient

from tocsin import errors
from tocsin.api.errors import JSON, PROTOBUF, InvalidField, UnsupportedMedia, install, otlp_error_response, status_of
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

STATUSES = [
    (InvalidInput("m"), 400, {"code": "invalid_input", "retryable": False}),
    (ParseError("m", position=17), 400, {"code": "parse_error", "retryable": False, "position": 17}),
    (ParseError("m"), 400, {"code": "parse_error", "retryable": False}),
    (LimitExceeded("m"), 413, {"code": "limit_exceeded", "retryable": False}),
    (UnsupportedMedia("m"), 415, {"code": "unsupported_media_type", "retryable": False}),
    (InvalidField("m", number=602), 400, {"code": "invalid_input", "retryable": False}),
    (NotFound("m"), 404, {"code": "not_found", "retryable": False}),
    (Conflict("m"), 409, {"code": "conflict", "retryable": False}),
    (ConfigError("m", key="wire.http"), 400, {"code": "config_error", "retryable": False, "key": "wire.http"}),
    (Overloaded("m", retry_after_s=2.5), 429, {"code": "overloaded", "retryable": True, "retry_after_s": 2.5}),
    (Timeout("m"), 504, {"code": "timeout", "retryable": True, "retry_after_s": 5.0}),
    (StoreError("m"), 503, {"code": "store_error", "retryable": True, "retry_after_s": 5.0}),
    (JournalError("m"), 503, {"code": "journal_error", "retryable": True, "retry_after_s": 5.0}),
    (DeliveryError("m"), 502, {"code": "delivery_error", "retryable": True, "retry_after_s": 5.0}),
    (TocsinError("m"), 500, {"code": "internal", "retryable": False}),
]


def client(error: Exception | None = None) -> AsgiClient:
    """An application whose only route raises the error."""
    app = FastAPI()
    install(app)

    @app.get("/ask")
    def ask(limit: int = 1) -> dict[str, int]:
        if error is not None:
            raise error
        return {"limit": limit}

    return AsgiClient(app)


@pytest.mark.parametrize(("error", "status", "body"), STATUSES, ids=[f"{type(e).__name__}-{i}" for i, (e, _, _) in enumerate(STATUSES)])
def test_each_error_has_its_status_and_body(error: TocsinError, status: int, body: dict[str, object]) -> None:
    """The body has code, message, retryable, and what else the error knows."""
    answer = client(error).get("/ask")
    assert (answer.status_code, answer.json()) == (status, {"error": {"message": "m", **body}})


def test_no_error_of_the_tree_is_without_a_status() -> None:
    """A class added to the tree must be given one here: only the root itself is a 500."""
    classes = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, TocsinError)}
    assert classes - {TocsinError} <= {type(error) for error, _, _ in STATUSES}


@pytest.mark.parametrize(("delay_s", "header"), [(0.01, "1"), (1, "1"), (1.2, "2"), (60, "60")])
def test_retry_after_is_whole_seconds_and_at_least_one(delay_s: float, header: str) -> None:
    """HTTP's header knows whole seconds only: rounded up."""
    answer = client(Overloaded("m", retry_after_s=delay_s)).get("/ask")
    assert answer.headers["Retry-After"] == header


def test_errors_that_do_not_pass_have_no_retry_after() -> None:
    """Who sends the same again gets the same answer."""
    assert "Retry-After" not in client(ParseError("m")).get("/ask").headers


def test_an_unknown_path_and_a_wrong_method_have_the_same_body() -> None:
    """What the framework raises by itself is answered in our form, with Allow for a wrong method."""
    answer = client().get("/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert "/nowhere" in answer.json()["error"]["message"]
    answer = client().post("/ask")
    assert (answer.status_code, answer.json()["error"]["code"], answer.headers["Allow"]) == (405, "method_not_allowed", "GET")


def test_invalid_parameters_are_told_all_at_once() -> None:
    """FastAPI's validation in our form, with the place of each mistake."""
    answer = client().get("/ask", params={"limit": "many"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"][0]["place"]) == (422, "invalid_input", "query.limit")


@pytest.mark.parametrize(("error", "traced"), [(StoreError("disk full"), False), (Timeout("late"), False), (TocsinError("odd"), True)])
def test_a_known_error_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture, error: TocsinError, *, traced: bool) -> None:
    """What says itself what is wrong is logged without a trace, which would bury the log while a disk is full."""
    with caplog.at_level(logging.ERROR):
        client(error).get("/ask")
    (record,) = [record for record in caplog.records if record.name == "tocsin.api.errors"]
    assert record.getMessage() == f"GET /ask failed: {error}"
    assert bool(record.exc_info) is traced


def test_a_bug_is_logged_and_leaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The body of a 500 says nothing about the inside; the log has the exception."""
    with caplog.at_level(logging.ERROR):
        answer = client(RuntimeError("secret-password")).get("/ask")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert any(record.exc_info and "secret-password" in str(record.exc_info[1]) for record in caplog.records)


def test_otlp_errors_are_a_status_in_the_media_type_of_the_request() -> None:
    """Protobuf for protobuf, JSON for JSON and for everything else."""
    error = ParseError("no protobuf")
    answer = otlp_error_response(error, media_type=PROTOBUF)
    status = status_pb2.Status.FromString(bytes(answer.body))
    assert (answer.status_code, answer.headers["content-type"], status.code, status.message) == (400, PROTOBUF, 3, "no protobuf")
    for media_type in (JSON, "text/plain", ""):
        answer = otlp_error_response(error, media_type=media_type)
        assert (answer.headers["content-type"], answer.body) == (JSON, b'{"code":3,"message":"no protobuf"}')


def test_otlp_errors_that_pass_carry_retry_info() -> None:
    """In the details of the status, beside the header."""
    answer = otlp_error_response(Overloaded("full", retry_after_s=1.5), media_type=PROTOBUF)
    info = error_details_pb2.RetryInfo()
    assert status_pb2.Status.FromString(bytes(answer.body)).details[0].Unpack(info)
    assert (answer.status_code, info.retry_delay.ToMilliseconds(), answer.headers["Retry-After"]) == (429, 1500, "2")
    answer = otlp_error_response(JournalError("disk"), media_type=JSON)
    assert answer.body == (
        b'{"code":14,"message":"disk","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"5s"}]}'
    )
    assert status_of(JournalError("disk")) == 503
