"""
Functions of templates of notifications: Alertmanager's, and `slackEscape`, ours.

Source: Alertmanager documentation, 'Notification template reference', 'Functions'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_plus, urlsplit

from tocsin.alert.template.execution import Printer
from tocsin.alert.template.go_functions import html
from tocsin.alert.template.go_json import to_json
from tocsin.alert.template.humanize import humanize_duration
from tocsin.alert.template.printing import show, sprint
from tocsin.alert.template.texts import match, replace_all, title
from tocsin.alert.template.times import GoDuration, GoTime, zone_of
from tocsin.alert.template.values import Function, Kind, Value, type_name
from tocsin.errors import InvalidInput
from tocsin.model.instant import Instant

WEB_SCHEMES = frozenset({"", "http", "https", "mailto"})
REFUSED_URL = "#ZgotmplZ"  # what Go puts in the place of an address that would run something

_URL_ATTRIBUTE = re.compile(r"(?:href|src|action|background|cite|formaction|poster)\s*=\s*[\"']?\s*$", re.IGNORECASE)
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TAIL_CHARS = 40


class SafeHtml(str):
    """A text that is HTML already; nothing in it is escaped."""

    __slots__ = ()


class SafeUrl(str):
    """An address that is trusted as it stands."""

    __slots__ = ()


class HtmlPrinter(Printer):
    """
    Prints values into HTML: as text without markup, and as addresses only those of the web.

    Source: Go documentation, package html/template; of its contexts text, attributes and addresses are told apart.
    """

    def __init__(self) -> None:
        self._tail = ""

    def text(self, text: str) -> str:
        """Text of the template itself, which is HTML."""
        self._tail = text[-_TAIL_CHARS:]
        return text

    def value(self, value: Value) -> str:
        """A value's text."""
        shown = show(value)
        begins_url = _URL_ATTRIBUTE.search(self._tail) is not None
        self._tail = ""
        if isinstance(value, SafeHtml):
            return str(value)
        if begins_url and not isinstance(value, SafeUrl) and _scheme(shown) not in WEB_SCHEMES:
            return REFUSED_URL
        return html(shown).replace("+", "&#43;")


def _scheme(address: str) -> str:
    """An address' scheme; one that nobody can read counts as one that is refused."""
    try:
        return urlsplit("".join(one for one in address if one > " ")).scheme.lower()
    except ValueError:
        return "unreadable"


def notification_functions(now: Instant) -> Mapping[str, Function]:
    """All functions; `now` is the present."""
    return {
        **PURE_FUNCTIONS,
        "now": Function(lambda: GoTime(now)),
        "since": Function(lambda at: GoDuration(now - at.instant), (Kind.TIME,)),
    }


def slack_escape(text: str) -> str:
    """A text in which Slack sees no markup of its own kind (links, mentions)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescape(text: str) -> str:
    if _PERCENT.search(text):
        raise InvalidInput(f"{text[:40]!r} has a % that begins no escape")
    return unquote_plus(text, errors="replace")


def _dictionary(*values: Value) -> Value:
    if len(values) % 2:
        raise InvalidInput("dict takes names and values in turn, found an odd number of them")
    names = values[::2]
    if not all(isinstance(name, str) for name in names):
        raise InvalidInput(
            f"dict takes texts for names, found a value of type {type_name(next(n for n in names if not isinstance(n, str)))}"
        )
    return dict(zip(names, values[1::2], strict=True))


_TEXT = (Kind.TEXT,)
PURE_FUNCTIONS: Mapping[str, Function] = {
    "append": Function(lambda some, *more: [*(some or ()), *more], (Kind.LIST,), Kind.ANY),
    "date": Function(lambda layout, at: at.format(layout), (Kind.TEXT, Kind.TIME)),
    "dict": Function(_dictionary, (), Kind.ANY),
    "html": Function(lambda *values: SafeHtml(html(sprint(*values))), (), Kind.ANY),
    "humanizeDuration": Function(humanize_duration, (Kind.ANY,)),
    "join": Function(lambda between, texts: between.join(texts), (Kind.TEXT, Kind.TEXTS)),
    "list": Function(lambda *values: list(values), (), Kind.ANY),
    "match": Function(match, (Kind.TEXT, Kind.TEXT)),
    "reReplaceAll": Function(replace_all, (Kind.TEXT, Kind.TEXT, Kind.TEXT)),
    "safeHtml": Function(SafeHtml, _TEXT),
    "safeUrl": Function(SafeUrl, _TEXT),
    "slackEscape": Function(slack_escape, _TEXT),
    "stringSlice": Function(lambda *texts: list(texts), (), Kind.TEXT),
    "title": Function(title, _TEXT),
    "toJson": Function(to_json, (Kind.ANY,)),
    "toLower": Function(str.lower, _TEXT),
    "toUpper": Function(str.upper, _TEXT),
    "trimSpace": Function(str.strip, _TEXT),
    "tz": Function(lambda name, at: GoTime(at.instant, zone_of(name)), (Kind.TEXT, Kind.TIME)),
    "urlUnescape": Function(_unescape, _TEXT),
}
FUNCTION_NAMES = frozenset({*PURE_FUNCTIONS, "now", "since"})
