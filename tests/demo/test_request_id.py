"""The id that follows a request."""

from __future__ import annotations

import contextvars
import logging

import pytest

from tocsin.demo.request_id import HEADER, RequestIdFilter, current_roll, enter_request, outgoing_headers


def entered(header: str | None) -> tuple[str, dict[str, str], str]:
    """The id taken from the header, what goes out with it, and its roll, in a context of its own."""
    return contextvars.copy_context().run(lambda: (enter_request(header), outgoing_headers(), current_roll()))


def test_an_id_from_outside_is_kept_and_passed_on() -> None:
    """What the caller calls the request is what everybody calls it."""
    assert entered("req-3fa9-000041") == ("req-3fa9-000041", {HEADER: "req-3fa9-000041"}, "000041")


@pytest.mark.parametrize("header", [None, "", "  ", "x" * 65, "line\nbreak", "ümlaut"])
def test_an_unfit_id_is_replaced(header: str | None) -> None:
    """Ids that are missing, giant or unprintable never reach a log."""
    request_id, headers, _ = entered(header)
    assert request_id.startswith("req-")
    assert len(request_id) == len("req-") + 12
    assert headers == {HEADER: request_id}


def test_nothing_is_sent_outside_of_a_request() -> None:
    """Work that belongs to no request carries no id."""
    assert outgoing_headers() == {}


def test_log_records_carry_the_id() -> None:
    """The filter puts the current id where the OpenTelemetry handler finds it."""
    record = logging.LogRecord("shop", logging.INFO, __file__, 1, "message", None, None)

    def within_request() -> None:
        enter_request("req-x-7")
        RequestIdFilter().filter(record)

    contextvars.copy_context().run(within_request)
    assert vars(record)["request_id"] == "req-x-7"
