"""Access logs of nginx and Apache."""

from __future__ import annotations

from typing import Any

import pytest
from tests.wire.builders import NOW_NS

from tocsin.errors import ParseError
from tocsin.wire.access_log import add_access, matches_access
from tocsin.wire.log_request import LogRequest
from tocsin.wire.twin import Twin

TWIN = Twin()
COMBINED = '203.0.113.7 - ann [20/Nov/2026:02:03:11 +0000] "GET /cart?id=7 HTTP/1.1" 200 512 "https://example.org/" "curl/8.5"'


def read(line: str) -> Any:
    """The line's record."""
    request = LogRequest(TWIN, service="nginx", now_ns=NOW_NS)
    add_access(request, line)
    return request.message.resource_logs[0].scope_logs[0].log_records[0]


def attributes(record: Any) -> dict[str, Any]:
    """A record's attributes as plain values."""
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in record.attributes}


def test_the_combined_format() -> None:
    """Every field under its name of the semantic conventions; the body is the line."""
    record = read(COMBINED)
    assert attributes(record) == {
        "http.request.method": "GET",
        "url.path": "/cart",
        "url.query": "id=7",
        "network.protocol.version": "1.1",
        "http.response.status_code": 200,
        "http.response.body.size": 512,
        "client.address": "203.0.113.7",
        "user.name": "ann",
        "http.request.header.referer": "https://example.org/",
        "user_agent.original": "curl/8.5",
    }
    assert (record.body.string_value, record.time_unix_nano) == (COMBINED, 1_795_140_191_000_000_000)


def test_the_common_format_and_what_is_not_said() -> None:
    """No referer, no agent, no user, no size: no attribute."""
    record = read('::1 - - [20/Nov/2026:02:03:11 +0000] "HEAD / HTTP/2.0" 304 -')
    assert set(attributes(record)) == {
        "http.request.method", "url.path", "network.protocol.version", "http.response.status_code", "client.address",
    }  # fmt: skip


def test_a_virtual_host_in_front_and_more_behind() -> None:
    """Apache's vhost_combined, and formats that add fields at the end."""
    record = read(f"shop.example:443 {COMBINED} 0.012 upstream")
    assert (attributes(record)["server.address"], attributes(record)["server.port"]) == ("shop.example", 443)


@pytest.mark.parametrize(
    ("status", "number", "text"),
    [(200, 9, "INFO"), (302, 9, "INFO"), (404, 13, "WARN"), (499, 13, "WARN"), (500, 17, "ERROR"), (599, 17, "ERROR")],
)
def test_severity_follows_the_status(status: int, number: int, text: str) -> None:
    """5xx is an error, 4xx a warning, the rest is information."""
    record = read(COMBINED.replace(" 200 ", f" {status} "))
    assert (record.severity_number, record.severity_text) == (number, text)


def test_offsets_of_the_time() -> None:
    """The same instant, written in two zones."""
    assert read(COMBINED.replace("02:03:11 +0000", "07:33:11 +0530")).time_unix_nano == read(COMBINED).time_unix_nano
    assert (
        read(COMBINED.replace("20/Nov/2026:02:03:11 +0000", "19/Nov/2026:19:03:11 -0700")).time_unix_nano == read(COMBINED).time_unix_nano
    )


@pytest.mark.parametrize("request_line", ["-", "", r"\x16\x03\x01", "GET", r"a \"b\" c d e"])
def test_garbage_instead_of_a_request_is_kept_in_the_body(request_line: str) -> None:
    """Scanners send anything: the record has no method, the line is there whole."""
    line = COMBINED.replace("GET /cart?id=7 HTTP/1.1", request_line)
    record = read(line)
    assert "http.request.method" not in attributes(record)
    assert record.body.string_value == line


def test_escaped_quotes_in_the_agent() -> None:
    """A quote in a field is escaped by the server and unescaped here."""
    assert attributes(read(COMBINED.replace("curl/8.5", r"a \"b\" \\c")))["user_agent.original"] == r'a "b" \c'


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello world",
        COMBINED.replace(" 200 ", " OK "),
        COMBINED.replace("20/Nov/2026", "31/Feb/2026"),
        COMBINED.replace("20/Nov/2026", "20/Nox/2026"),
        COMBINED.replace("20/Nov/2026", "20/Nov/1969"),
        COMBINED.replace("+0000", "+9999"),
        COMBINED[:60],
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    """Not the format, or a time that does not exist."""
    with pytest.raises(ParseError):
        read(line)


def test_hostile_lines_take_linear_time() -> None:
    """Lines made to send a regular expression back and forth are refused at once (a quadratic one would run into the timeout)."""
    for hostile in ("a b " + " [" * 200_000, 'a b c [t] "' + "\\" * 400_001, "a b " + "x " * 200_000, "a:1 " * 100_000):
        assert not matches_access(hostile)
