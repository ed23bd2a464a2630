"""
The slow way through exposition text: series, exemplars and metadata lines that were not seen before, parsed to the letter.

    http_requests_total{method="post", code="200"}         Prometheus text: blanks between any two parts
    {"http.requests",method="post"}                        a name that is no identifier stands in quotes among the labels
    # HELP http_requests_total Requests that were answered.
    {trace_id="7f3a"} 0.67 1520879607.789                  an exemplar, behind ' # '

Where the formats' documents leave room, what Prometheus 3 takes is taken: a comma between two labels of a series may be missing.

Source: Prometheus, "Exposition formats"; OpenMetrics 1.0; how Prometheus 3.5 answers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.series import Exemplar
from tocsin.wire.prometheus.numerals import canonical_bound, slow_number

TEXT_TYPES = {"counter": "counter", "gauge": "gauge", "histogram": "histogram", "summary": "summary", "untyped": "unknown"}
OPENMETRICS_TYPES = {name: name for name in ("counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown")}
BOUND_LABELS = {"histogram": "le", "summary": "quantile"}
INSTANT_MS_MAX = 2**63 - 1

# Most series, in one match; whatever it does not match goes the long way, which also finds what is wrong.
_PAIR = r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\\n]*)"'
_UNCAPTURED_PAIR = _PAIR.replace("(", "(?:")
_USUAL = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{({_UNCAPTURED_PAIR}(?:,{_UNCAPTURED_PAIR})*,?)?\}})?")
_USUAL_PAIR = re.compile(_PAIR)

_BLANKS = re.compile(rb"[ \t]*")
_NAME = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(rb"[a-zA-Z_][a-zA-Z0-9_]*")
_QUOTED = re.compile(rb'"((?:\\.|[^\\"])*)"', re.DOTALL)
_QUOTED_ON_LINE = re.compile(rb'"((?:\\[^\n]|[^\\"\n])*)"')
_ESCAPE = re.compile(rb'\\([\\"n])')
_HELP_ESCAPE = re.compile(rb"\\([\\n])")
_TEXT_METADATA = re.compile(rb"#[ \t]+(HELP|TYPE)[ \t]+")
_OPENMETRICS_METADATA = re.compile(rb"# (HELP|TYPE|UNIT) ")
_EXEMPLAR_REST = re.compile(rb" ([^ \n]+)(?: ([^ \n]+))?")


class Flaw(Exception):
    """What is wrong, and at which offset of the text that was given; becomes a ParseError where the line is known."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


@dataclass(frozen=True, slots=True)
class MetadataLine:
    """A HELP, TYPE or UNIT of a family; `kind` says which, `text` is the help unescaped, the type in our words, or the unit."""

    kind: str
    family: str
    text: str


def parse_series(text: bytes, *, openmetrics: bool) -> list[tuple[str, str]]:
    """
    Names and values of a series as they are exposed, its metric's name among them as `__name__`; without empty values.

    Raises:
        Flaw: It is no series, has no name or two, or a label twice.
    """
    pairs = _usual_pairs(text) or _odd_pairs(text, openmetrics=openmetrics)
    present = [pair for pair in pairs if pair[1]]
    names = [name for name, _ in present]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Flaw(f"label {twice!r} must not come twice", 0)
    if METRIC_NAME not in names:
        raise Flaw("the series has no metric name", 0)
    return present


def parse_exemplar(text: bytes, *, timestamp_ms: int) -> Exemplar:
    """
    The exemplar that begins with a brace; `timestamp_ms` is that of its sample, for one without a time.

    Raises:
        Flaw: It is none.
    """
    pairs: dict[str, str] = {}
    at = 1
    while text[at : at + 1] != b"}":
        name, at, _ = _parse_name(text, at)
        value, at = _parse_value(text, _expect(text, at, b"=", "'=' was expected after the label's name"), openmetrics=True)
        pairs[name] = value
        if text[at : at + 1] != b"}":
            at = _expect(text, at, b",", "',' or '}' was expected after the exemplar's label")
    rest = _EXEMPLAR_REST.fullmatch(text, at + 1)
    if rest is None:
        raise Flaw("a value, and a time or nothing, was expected after the exemplar's labels", at + 1)
    value_number = slow_number(rest[1])
    if value_number is None:
        raise Flaw("the exemplar's value is no number that a double can hold", rest.start(1))
    if rest[2] is not None:
        timestamp_ms = parse_seconds(rest[2], rest.start(2))
    return Exemplar(Labels(pairs), value_number, timestamp_ms)


def parse_seconds(text: bytes, at: int) -> int:
    """
    A time of OpenMetrics in milliseconds, cut off below them as Prometheus does; `at` is where it stands, for the flaw.

    Raises:
        Flaw: It is no finite number, or no instant.
    """
    seconds = slow_number(text)
    if seconds is None or not math.isfinite(seconds):
        raise Flaw("the time is no finite number of seconds", at)
    if abs(seconds) * 1000 > INSTANT_MS_MAX:
        raise Flaw("the time does not fit into 64 bits", at)
    return int(seconds * 1000)


def parse_metadata(line: bytes, *, openmetrics: bool) -> MetadataLine | None:
    """
    What a line that begins with `#` says of a family; None for a comment.

    Raises:
        Flaw: It begins as metadata do, and is none.
    """
    start = (_OPENMETRICS_METADATA if openmetrics else _TEXT_METADATA).match(line)
    if start is None:
        if openmetrics:
            raise Flaw("only '# HELP', '# TYPE', '# UNIT' and '# EOF' may follow '#' in OpenMetrics", 0)
        return None
    kind, at = start[1].decode(), start.end()
    name = _NAME.match(line, at) or _QUOTED.match(line, at)
    if name is None:
        raise Flaw(f"a metric name was expected after {kind}", at)
    family = _unescape(name[1], at) if line[at : at + 1] == b'"' else name[0].decode()
    rest = line[name.end() :]
    if openmetrics and not rest.startswith(b" "):
        raise Flaw(f"a text was expected in {kind}", name.end())
    try:
        text = rest[1:].decode()
    except UnicodeDecodeError:
        raise Flaw(f"the text of {kind} is not valid UTF-8", name.end()) from None
    return MetadataLine(kind, family, _metadata_text(kind, family, text, min(name.end() + 1, len(line)), openmetrics=openmetrics))


def normalised(pairs: list[tuple[str, str]], type_in_effect: str) -> Labels:
    """Labels with the bound of a classic bucket or quantile in the one form that Prometheus 3 stores."""
    label = BOUND_LABELS.get(type_in_effect)
    if label is None:
        return Labels(pairs)
    return Labels([(name, canonical_bound(value) if name == label else value) for name, value in pairs])


def _metadata_text(kind: str, family: str, text: str, at: int, *, openmetrics: bool) -> str:
    if kind == "TYPE":
        types = OPENMETRICS_TYPES if openmetrics else TEXT_TYPES
        if text not in types:
            raise Flaw(f"the type must be one of {', '.join(types)}; found {text[:40]!r}", at)
        return types[text]
    if kind == "UNIT":
        if text and not (family.endswith(f"_{text}") and family != f"_{text}"):
            raise Flaw(f"the unit {text[:40]!r} must be the ending of the metric's name {family[:80]!r}", at)
        return text
    escape = _ESCAPE if openmetrics else _HELP_ESCAPE
    return _unescape_by(escape, text.encode()).decode()


def _usual_pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        usual = _USUAL.fullmatch(text.decode())
    except UnicodeDecodeError:
        return []
    return [(METRIC_NAME, usual[1]), *_USUAL_PAIR.findall(usual[2] or "")] if usual else []


def _odd_pairs(text: bytes, *, openmetrics: bool) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    at = 0
    if name := _NAME.match(text):
        pairs.append((METRIC_NAME, name[0].decode()))
        at = _gap(text, name.end(), openmetrics=openmetrics)
    if at < len(text):
        at = _parse_labels(text, at, pairs, openmetrics=openmetrics)
    if at != len(text) or not pairs:
        raise Flaw("a series was expected", at)
    return pairs


def _parse_labels(text: bytes, at: int, pairs: list[tuple[str, str]], *, openmetrics: bool) -> int:
    """What stands in braces, into `pairs`, which may hold the metric's name already; behind the closing one."""
    named = bool(pairs)
    at = _gap(text, _expect(text, at, b"{", "'{' was expected"), openmetrics=openmetrics)
    while text[at : at + 1] != b"}":
        start = at
        name, at, quoted = _parse_name(text, at)
        at = _gap(text, at, openmetrics=openmetrics)
        comma_may_miss = not openmetrics
        if quoted and text[at : at + 1] != b"=":
            if named:
                raise Flaw("the metric's name is given twice", start)
            named, comma_may_miss = True, False
            pairs.append((METRIC_NAME, name))
        else:
            at = _gap(text, _expect(text, at, b"=", "'=' was expected after the label's name"), openmetrics=openmetrics)
            value, at = _parse_value(text, at, openmetrics=openmetrics)
            if not name:
                raise Flaw("the label's name is empty", start)
            pairs.append((name, value))
        at = _gap(text, at, openmetrics=openmetrics)
        if text[at : at + 1] == b",":
            at = _gap(text, at + 1, openmetrics=openmetrics)
        elif text[at : at + 1] != b"}" and not comma_may_miss:
            raise Flaw("',' or '}' was expected", at)
    if not named:
        raise Flaw("the series has no metric name", 0)
    return at + 1


def _gap(text: bytes, at: int, *, openmetrics: bool) -> int:
    if openmetrics:
        return at
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _expect(text: bytes, at: int, token: bytes, reason: str) -> int:
    if not text.startswith(token, at):
        raise Flaw(reason, at)
    return at + len(token)


def _parse_name(text: bytes, at: int) -> tuple[str, int, bool]:
    """A label's name, or a name in quotes; where it ends; whether it is quoted."""
    if quoted := _QUOTED.match(text, at):
        return _unescape(quoted[1], at), quoted.end(), True
    name = _LABEL_NAME.match(text, at)
    if name is None:
        raise Flaw("a label's name was expected", at)
    return name[0].decode(), name.end(), False


def _parse_value(text: bytes, at: int, *, openmetrics: bool) -> tuple[str, int]:
    quoted = (_QUOTED_ON_LINE if openmetrics else _QUOTED).match(text, at)
    if quoted is None:
        raise Flaw("a label's value in double quotes was expected", at)
    return _unescape(quoted[1], at), quoted.end()


def _unescape(text: bytes, at: int) -> str:
    try:
        return (_unescape_by(_ESCAPE, text) if b"\\" in text else text).decode()
    except UnicodeDecodeError:
        raise Flaw("the text in quotes is not valid UTF-8", at) from None


def _unescape_by(escape: re.Pattern[bytes], text: bytes) -> bytes:
    """Escapes that the formats know undone; others stay as they are."""
    return escape.sub(lambda match: b"\n" if match[1] == b"n" else match[1], text)
