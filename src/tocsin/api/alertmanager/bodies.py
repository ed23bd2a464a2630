"""
What clients of Alertmanager's API post: alerts and silences, read from JSON.

What is no JSON, or has a number where a text belongs, is a `ParseError`; what lacks a field an `InvalidField` with Alertmanager's number
for that. Either refuses the whole body. What is wrong with one alert alone is the desk's to say, so that the others are taken.

Source: Alertmanager's OpenAPI description, version 2; answers of Alertmanager 0.33 where that leaves something open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from tocsin.alert.desk_records import PostedAlert, SilenceDraft
from tocsin.api.errors import InvalidField
from tocsin.errors import InvalidInput, LimitExceeded, ParseError
from tocsin.model.instant import Instant, parse_instant
from tocsin.model.series import Matcher, MatchOperator

OBJECTS_MAX = 200_000  # objects and lists in one body: what is small as text may be large in memory
WRONG_TYPE, MISSING, TOO_FEW = 601, 602, 612  # Alertmanager's numbers for what is wrong with a field
NO_INSTANT = ("", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z")  # what Go writes where it has none
OPERATORS = {  # by isRegex, isEqual
    (False, True): MatchOperator.EQUAL,
    (False, False): MatchOperator.NOT_EQUAL,
    (True, True): MatchOperator.REGEX,
    (True, False): MatchOperator.NOT_REGEX,
}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null", int: "a number", float: "a number"}


def read_alerts(body: bytes) -> list[PostedAlert]:
    """
    The alerts of a body; what is no UTF-8 is replaced, since an alert with a wrong character is better than none.

    Raises:
        ParseError: It is no list of alerts.
        InvalidField: An alert lacks what each must have.
        LimitExceeded: It has more than OBJECTS_MAX objects.
    """
    document = _document(body, "alerts")
    if document is None:
        return []
    items = _expect(document, list, "alerts")
    missing = [f"{number}.labels in body is required" for number, item in enumerate(items) if _is_without(item, "labels")]
    if missing:
        raise InvalidField("\n".join(missing), number=MISSING)
    return [_alert(str(number), _expect(item, dict, f"alert {number}")) for number, item in enumerate(items)]


def read_silence(body: bytes) -> SilenceDraft:
    """
    The silence of a body.

    Raises:
        ParseError: It is no silence.
        InvalidField: It lacks what each must have.
    """
    document = _document(body, "silence")
    silence = _expect({} if document is None else document, dict, "silence")
    missing = [
        f"{name} in body is required" for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt") if _is_without(silence, name)
    ]
    matchers = _expect(silence.get("matchers") or [], list, "matchers")
    for number, matcher in enumerate(matchers):
        missing += [f"matchers.{number}.{name} in body is required" for name in ("isRegex", "name", "value") if _is_without(matcher, name)]
    if missing:
        raise InvalidField("\n".join(missing), number=MISSING)
    if not matchers:
        raise InvalidField("matchers in body should have at least 1 items", number=TOO_FEW)
    ends_at = _instant(silence["endsAt"], "endsAt")
    if ends_at is None:
        raise InvalidField("endsAt in body is required", number=MISSING)
    return SilenceDraft(
        matchers=tuple(_matcher(number, matcher) for number, matcher in enumerate(matchers)),
        ends_at=ends_at,
        author=_expect(silence["createdBy"], str, "createdBy"),
        comment=_expect(silence["comment"], str, "comment"),
        starts_at=_instant(silence["startsAt"], "startsAt"),
        id=_expect(silence.get("id") or "", str, "id"),
        annotations=_texts(silence.get("annotations"), "annotations"),
    )


def _alert(place: str, item: dict[str, Any]) -> PostedAlert:
    url = _expect(item.get("generatorURL") or "", str, f"{place}.generatorURL")
    if url and not _is_uri(url):
        raise InvalidField(f"{place}.generatorURL in body must be of type uri: {url[:200]!r}", number=WRONG_TYPE)
    return PostedAlert(
        _texts(item["labels"], f"{place}.labels"),
        _texts(item.get("annotations"), f"{place}.annotations"),
        _instant(item.get("startsAt"), f"{place}.startsAt"),
        _instant(item.get("endsAt"), f"{place}.endsAt"),
        url,
    )


def _matcher(number: int, item: dict[str, Any]) -> Matcher:
    place = f"matchers.{number}"
    is_equal = True if item.get("isEqual") is None else _expect(item["isEqual"], bool, f"{place}.isEqual")
    operator = OPERATORS[_expect(item["isRegex"], bool, f"{place}.isRegex"), is_equal]
    return Matcher(_expect(item["name"], str, f"{place}.name"), operator, _expect(item["value"], str, f"{place}.value"))


def _document(body: bytes, what: str) -> Any:
    if not body.strip():
        raise InvalidField(f"{what} in body is required", number=MISSING)
    if body.count(b"{") + body.count(b"[") > OBJECTS_MAX:
        raise LimitExceeded(f"the body has more than {OBJECTS_MAX} objects; post it in several parts")
    try:
        return orjson.loads(body.decode("utf-8", "replace"))
    except ValueError as error:
        raise ParseError(f"parsing {what} body failed, because it is no JSON: {error}") from error


def _is_without(item: Any, name: str) -> bool:
    return isinstance(item, dict) and item.get(name) is None


def _expect(value: Any, kind: type[Any], place: str) -> Any:
    if not isinstance(value, kind):
        raise ParseError(f"parsing the body failed, because {place} is {_KINDS[type(value)]}, expected {_KINDS[kind]}")
    return value


def _texts(value: Any, place: str) -> Mapping[str, str]:
    if value is None:
        return {}
    texts = _expect(value, dict, place)
    return {name: "" if text is None else _expect(text, str, f"{place}.{name[:100]}") for name, text in texts.items()}


def _instant(value: Any, place: str) -> Instant | None:
    if value is None or (text := _expect(value, str, place)) in NO_INSTANT:
        return None
    try:
        if _DATE.match(text):
            return parse_instant(text)
    except InvalidInput as error:
        raise ParseError(f"parsing the body failed, because {place} is no instant: {error}") from error
    raise ParseError(f"parsing the body failed, because {place} is no instant such as 2026-11-20T02:03:11Z: {text[:100]!r}")


def _is_uri(text: str) -> bool:
    """Whether it is a path, or has a scheme: what whoever gets the alert may follow."""
    if any(character.isspace() or not character.isprintable() for character in text):
        return False
    try:
        return text.startswith("/") or bool(urlsplit(text).scheme)
    except ValueError:
        return False
