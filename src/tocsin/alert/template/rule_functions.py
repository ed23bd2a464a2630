"""
Templates in the labels and annotations of rules: Prometheus' functions and data.

    render = RuleRender(query)
    render("__alert_Down", "{{ $labels.job }} is at {{ $value | humanizePercentage }}", data, at)     "api is at 12.35%"

Functions that only mean something on console pages give nothing.
Source: Prometheus documentation, 'Template reference'.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import TypeAlias
from urllib.parse import quote_plus, urlsplit

from tocsin.alert.rules.rendering import TextData
from tocsin.alert.template.humanize import (
    humanize,
    humanize_1024,
    humanize_duration,
    humanize_percentage,
    humanize_timestamp,
    number_of,
    to_time,
)
from tocsin.alert.template.template import Template
from tocsin.alert.template.texts import match, replace_all, title
from tocsin.alert.template.times import GoDuration
from tocsin.alert.template.values import Function, Kind, Structure, Texts, Value
from tocsin.errors import InvalidInput, TocsinError
from tocsin.model.instant import NANOSECONDS, Instant

TEMPLATES_KEPT = 4096
SAMPLES_MAX = 10_000  # that one query gives to a template
VARIABLES = ("$labels", "$externalLabels", "$externalURL", "$value")

_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_DURATION_SECONDS = (365 * 86400, 7 * 86400, 86400, 3600, 60, 1, 0.001)
_HOST_PORT = re.compile(r"\[(?P<six>[^\[\]]*)\]:\d*|(?P<host>[^:\[\]]*):[^:\[\]]*")
_MANY = (Kind.ANY,)


Query: TypeAlias = Callable[[str, Instant], Sequence[tuple[Mapping[str, str], float]]]


class Sample(Structure):
    """
    An element of what a query found.

    Args:
        labels: What identifies it, `__name__` too.
        value: Its number.
    """

    type_name = "template.sample"

    def __init__(self, labels: Mapping[str, str], value: float) -> None:
        self.labels = Texts(labels)
        self.value = value

    def members(self) -> Mapping[str, Value]:
        """`Labels` and `Value`."""
        return {"Labels": self.labels, "Value": self.value}


class RuleData(Structure):
    """
    What `.` is in a rule's template.

    Args:
        data: Labels, value, and what all rules share.
    """

    type_name = "struct"

    def __init__(self, data: TextData) -> None:
        self._members = {
            "Labels": Texts(data.labels),
            "ExternalLabels": Texts(data.external_labels),
            "ExternalURL": data.external_url,
            "Value": data.value,
        }

    def members(self) -> Mapping[str, Value]:
        """`Labels`, `ExternalLabels`, `ExternalURL`, `Value`."""
        return self._members


class RuleRender:
    """
    Fills in templates of rules. Safe to use from several threads.

    Args:
        query: Answers an instant vector for the function `query`; None: the function is refused.
    """

    def __init__(self, query: Query | None = None) -> None:
        self._query = query

    def __call__(self, name: str, text: str, data: TextData, at: Instant) -> str:
        """
        The text of one template.

        Raises:
            ParseError: It does not read.
            InvalidInput: An action fails.
        """
        dot = RuleData(data)
        values = dot.members()
        variables = {
            "$labels": values["Labels"],
            "$externalLabels": values["ExternalLabels"],
            "$externalURL": data.external_url,
            "$value": data.value,
        }
        functions = {**PURE_FUNCTIONS, **self._functions(data.external_url, at)}
        try:
            return parse_rule_template(text).execute(dot, functions, variables=variables)
        except TocsinError as error:
            raise type(error)(f"{name}: {error}") from error

    def _functions(self, external_url: str, at: Instant) -> Mapping[str, Function]:
        return {
            "query": Function(lambda text: self._samples(text, at), (Kind.TEXT,)),
            "externalURL": Function(lambda: external_url),
            "pathPrefix": Function(lambda: urlsplit(external_url).path),
            "now": Function(lambda: at / NANOSECONDS),
        }

    def _samples(self, text: str, at: Instant) -> list[Sample]:
        if self._query is None:
            raise InvalidInput("nothing can be queried here")
        found = self._query(text, at)
        if len(found) > SAMPLES_MAX:
            raise InvalidInput(
                f"the query {text[:80]!r} finds {len(found):,} series, a template gets at most {SAMPLES_MAX:,}; aggregate it"
            )
        return [Sample(labels, value) for labels, value in found]


@lru_cache(maxsize=TEMPLATES_KEPT)
def parse_rule_template(text: str) -> Template:
    """
    A template of a rule, read.

    Raises:
        ParseError: It does not read; says where, and what was expected.
    """
    return Template.parse(text, FUNCTION_NAMES, variables=VARIABLES)


def rule_template_mistake(text: str) -> str:
    """What is wrong with a template of a rule, with line and column, as a part of a sentence; empty when it reads."""
    try:
        parse_rule_template(text)
    except TocsinError as error:
        return str(error)
    return ""


def expand_rule_template(
    text: str,
    labels: Mapping[str, str],
    value: float,
    *,
    at: Instant = 0,
    external_labels: Mapping[str, str] | None = None,
    external_url: str = "",
    query: Query | None = None,
) -> str:
    """A template filled in; what fails is said in its place, `<error expanding template: ...>`, as Prometheus does."""
    data = TextData(labels, value, external_labels or {}, external_url)
    try:
        return RuleRender(query)("template", text, data, at)
    except TocsinError as error:
        return f"<error expanding template: {error}>"


def _first(samples: Sequence[Value]) -> Value:
    if not samples:
        raise InvalidInput("first() of a query that found nothing")
    return samples[0]


def _sample(value: Value) -> Sample:
    if not isinstance(value, Sample):
        raise InvalidInput("expected an element of what a query found")
    return value


def _sort_by_label(label: str, samples: Sequence[Value]) -> list[Value]:
    return sorted(samples, key=lambda one: _sample(one).labels.get(label, ""))


def strip_port(text: str) -> str:
    """`db:9100` as `db`, `[::1]:80` as `::1`; what has no port stays."""
    found = _HOST_PORT.fullmatch(text)
    if found is None:
        return text
    return found["host"] if found["six"] is None else found["six"]


def strip_domain(text: str) -> str:
    """`db.example.com:9100` as `db:9100`; addresses stay."""
    found = _HOST_PORT.fullmatch(text)
    host = strip_port(text)
    try:
        ip_address(host)
    except ValueError:
        port = text[text.rindex(":") :] if found else ""
        return host.split(".", 1)[0] + port
    return text


def parse_duration(text: str) -> float:
    """
    `1h30m` as seconds.

    Raises:
        InvalidInput: It is no length of time as Prometheus writes it.
    """
    found = _DURATION.fullmatch(text)
    if text == "0":
        return 0.0
    if not text or len(text) > 100 or found is None:
        raise InvalidInput(f"{text[:40]!r} is no length of time; write 90s, 1h30m or 7d")
    return float(sum(int(number) * seconds for number, seconds in zip(found.groups(), _DURATION_SECONDS, strict=True) if number))


def _link(text: str, tab: int) -> str:
    return f"/graph?g0.expr={quote_plus(text.encode('utf-8', 'replace'))}&g0.tab={tab}"


def _to_duration(value: Value) -> GoDuration:
    return GoDuration(round(number_of(value) * NANOSECONDS))


_TEXT = (Kind.TEXT,)
PURE_FUNCTIONS: Mapping[str, Function] = {
    "args": Function(lambda *values: {f"arg{index}": value for index, value in enumerate(values)}, (), Kind.ANY),
    "first": Function(_first, (Kind.LIST,)),
    "graphLink": Function(partial(_link, tab=0), _TEXT),
    "humanize": Function(humanize, _MANY),
    "humanize1024": Function(humanize_1024, _MANY),
    "humanizeDuration": Function(humanize_duration, _MANY),
    "humanizePercentage": Function(humanize_percentage, _MANY),
    "humanizeTimestamp": Function(humanize_timestamp, _MANY),
    "label": Function(lambda name, one: _sample(one).labels.get(name, ""), (Kind.TEXT, Kind.ANY)),
    "match": Function(match, (Kind.TEXT, Kind.TEXT)),
    "parseDuration": Function(parse_duration, _TEXT),
    "reReplaceAll": Function(replace_all, (Kind.TEXT, Kind.TEXT, Kind.TEXT)),
    "safeHtml": Function(lambda text: text, _TEXT),
    "sortByLabel": Function(_sort_by_label, (Kind.TEXT, Kind.LIST)),
    "stripDomain": Function(strip_domain, _TEXT),
    "stripPort": Function(strip_port, _TEXT),
    "strvalue": Function(lambda one: _sample(one).labels.get("__value__", ""), _MANY),
    "tableLink": Function(partial(_link, tab=1), _TEXT),
    "title": Function(title, _TEXT),
    "tmpl": Function(lambda *_: "", (), Kind.ANY),  # inserts templates of console pages
    "toDuration": Function(_to_duration, _MANY),
    "toLower": Function(str.lower, _TEXT),
    "toTime": Function(to_time, _MANY),
    "toUpper": Function(str.upper, _TEXT),
    "urlQueryEscape": Function(lambda text: quote_plus(text.encode("utf-8", "replace")), _TEXT),
    "value": Function(lambda one: _sample(one).value, _MANY),
}
FUNCTION_NAMES = frozenset({*PURE_FUNCTIONS, "query", "externalURL", "pathPrefix", "now"})
