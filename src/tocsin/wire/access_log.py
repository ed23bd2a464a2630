"""
Access logs of nginx and Apache, in the common and the combined format, with or without the virtual host in front.

    203.0.113.7 - ann [20/Nov/2026:02:03:11 +0000] "GET /cart?id=7 HTTP/1.1" 200 512 "https://example.org/" "curl/8.5"

Fields become the attributes that OpenTelemetry's semantic conventions name; the body is the line itself; a status of 5xx is an ERROR,
4xx a WARN, everything else INFO.

Source: Apache HTTP Server, mod_log_config; OpenTelemetry semantic conventions, HTTP.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from tocsin.errors import ParseError
from tocsin.model.instant import EPOCH, NANOSECONDS
from tocsin.wire.log_request import LogRequest, set_attribute

MONTHS = {"Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6, "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12}
# A user may hold spaces, but no more than 200 characters: without that bound a hostile line would take quadratic time.
_LINE = re.compile(
    r"(?:(?P<host>[^\s:]+):(?P<port>\d{1,5}) )?(?P<client>\S+) \S+ (?P<user>[^\[\"]{1,200}?) \[(?P<time>[^\]]{1,40})\] "
    r'"(?P<request>[^"\\]*(?:\\.[^"\\]*)*)" (?P<status>\d{3}) (?P<size>\d{1,18}|-)'
    r'(?: "(?P<referer>[^"\\]*(?:\\.[^"\\]*)*)" "(?P<agent>[^"\\]*(?:\\.[^"\\]*)*)")?(?:\s.*)?',
    re.DOTALL,
)
_TIME = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_REQUEST = re.compile(r"([A-Za-z!#$%&'*+.^_|~-]+) (\S+)(?: HTTP/(\d(?:\.\d)?))?")


def add_access(request: LogRequest, line: str) -> None:
    """
    Add the line's record to the request.

    Raises:
        ParseError: The line is of neither format, or its time is none.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        raise ParseError("not an access log line of the common or combined format")
    instant = _read_time(match["time"])
    status = int(match["status"])
    record = request.add()
    record.time_unix_nano = instant
    record.severity_number, record.severity_text = (17, "ERROR") if status >= 500 else (13, "WARN") if status >= 400 else (9, "INFO")
    record.body.string_value = line
    for key, value in _attributes(match, status).items():
        if value is not None:
            set_attribute(record.attributes, key, value)


def matches_access(line: str) -> bool:
    """Whether the line is of one of the formats."""
    return _LINE.fullmatch(line) is not None


def _attributes(match: re.Match[str], status: int) -> dict[str, Any]:
    """The attributes by name; None where the line says nothing."""
    asked = _REQUEST.fullmatch(match["request"])
    method, target, version = asked.groups() if asked else (None, None, None)
    path, question_mark, query = _unescape(target).partition("?") if target else (None, "", "")
    return {
        "http.request.method": method,
        "url.path": path,
        "url.query": query if question_mark else None,
        "network.protocol.version": version,
        "http.response.status_code": status,
        "http.response.body.size": None if match["size"] == "-" else int(match["size"]),
        "client.address": match["client"],
        "user.name": None if match["user"] == "-" else match["user"],
        "http.request.header.referer": _said(match["referer"]),
        "user_agent.original": _said(match["agent"]),
        "server.address": match["host"],
        "server.port": int(match["port"]) if match["port"] else None,
    }


def _said(value: str | None) -> str | None:
    return None if value in {None, "", "-"} else _unescape(str(value))


def _unescape(value: str) -> str:
    return value.replace('\\"', '"').replace("\\\\", "\\") if "\\" in value else value


@lru_cache(maxsize=1024)  # a busy server writes many lines within one second
def _read_time(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None or match[2] not in MONTHS:
        raise ParseError(f"the time {text!r} is not like 20/Nov/2026:02:03:11 +0000")
    day, _, year, hour, minute, second = match.group(1, 2, 3, 4, 5, 6)
    offset = timedelta(hours=int(match[8]), minutes=int(match[9])) * (-1 if match[7] == "-" else 1)
    try:
        moment = datetime(int(year), MONTHS[match[2]], int(day), int(hour), int(minute), min(int(second), 59), tzinfo=timezone(offset))
    except ValueError as error:
        raise ParseError(f"the time {text!r} does not exist: {error}") from error
    since = moment.astimezone(UTC) - EPOCH
    if since < timedelta(0):
        raise ParseError(f"the time {text!r} lies before 1970")
    return (since.days * 86_400 + since.seconds) * NANOSECONDS
