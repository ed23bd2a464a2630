"""
The parameters of the Prometheus API: of the query string, of a form in the body, or both.

Source: Prometheus documentation, 'HTTP API', section 'Format overview'.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from tocsin.errors import InvalidInput, ParseError
from tocsin.model.instant import parse_instant
from tocsin.model.series import Matcher
from tocsin.query.promql.durations import parse_duration_ms
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import VectorSelector

FORM = "application/x-www-form-urlencoded"
FIELDS_MAX = 10_000
TIME_MIN_MS, TIME_MAX_MS = -(2**62) // 1_000_000, 2**62 // 1_000_000  # far beyond what is stored, within what arithmetic can take
SECONDS = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class BadParameter(ParseError):
    """A parameter that is missing, or does not read: the client's mistake, whatever is stored."""


class Parameters:
    """
    The parameters of one request.

    Args:
        values: Every value of every parameter, in order.
    """

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    @classmethod
    async def of(cls, request: Request) -> Parameters:
        """Those of the query string and, of a POST, of its form."""
        pairs = _pairs(request.scope["query_string"], "query string")
        if request.method == "POST" and request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
            pairs += _pairs(await request.body(), "form in the body")
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        return cls(values)

    def with_value(self, name: str, value: str) -> Parameters:
        """These, and one more: a part of the path."""
        return Parameters({**self._values, name: [value]})

    def text(self, name: str, default: str = "") -> str:
        """The first value of a parameter."""
        return self._values.get(name, [default])[0]

    def texts(self, name: str) -> list[str]:
        """All its values."""
        return self._values.get(name, [])

    def instant_ms(self, name: str, default_ms: int | None = None) -> int:
        """An instant, RFC 3339 or seconds since 1970, as milliseconds."""
        text = self.text(name)
        if not text:
            if default_ms is None:
                raise BadParameter(f'invalid parameter "{name}": it is missing; give RFC 3339 or seconds since 1970')
            return default_ms
        try:
            seconds = float(text) if SECONDS.fullmatch(text) else parse_instant(text) / 1e9
        except InvalidInput:
            raise BadParameter(f'invalid parameter "{name}": cannot parse {text[:100]!r} to a valid timestamp') from None
        instant = round(seconds * 1000) if math.isfinite(seconds) and abs(seconds) < 2**52 else None
        if instant is None or not TIME_MIN_MS <= instant <= TIME_MAX_MS:
            raise BadParameter(f'invalid parameter "{name}": {text[:100]!r} is out of range')
        return instant

    def duration_ms(self, name: str, default_ms: int | None = None) -> int:
        """A length of time, `15s` or seconds, as milliseconds."""
        text = self.text(name)
        if not text:
            if default_ms is None:
                raise BadParameter(f'invalid parameter "{name}": it is missing; give seconds or a duration such as 15s')
            return default_ms
        try:
            seconds = float(text) if SECONDS.fullmatch(text) else parse_duration_ms(text) / 1000
        except InvalidInput:
            raise BadParameter(f'invalid parameter "{name}": cannot parse {text[:100]!r} to a valid duration') from None
        if not math.isfinite(seconds) or abs(seconds) > 2**52 / 1000:
            raise BadParameter(f'invalid parameter "{name}": {text[:100]!r} is out of range')
        return round(seconds * 1000)

    def count(self, name: str) -> int:
        """A number of things, 0 (no limit) without one."""
        text = self.text(name, "0")
        if not text.isdecimal() or len(text) > 18:
            raise BadParameter(f'invalid parameter "{name}": {text[:100]!r} is not a number of at least 0')
        return int(text)

    def selectors(self, name: str = "match[]", *, required: bool = False) -> list[tuple[Matcher, ...]]:
        """The matchers of series selectors."""
        if required and not self.texts(name):
            raise BadParameter(f"no {name} parameter provided")
        return [self._selector(name, text) for text in self.texts(name)]

    @staticmethod
    def _selector(name: str, text: str) -> tuple[Matcher, ...]:
        try:
            tree = parse(text)
        except InvalidInput as error:
            raise BadParameter(f'invalid parameter "{name}": {error}') from error
        if not isinstance(tree, VectorSelector) or tree.offset is not None or tree.at_ms is not None:
            raise BadParameter(f'invalid parameter "{name}": expected a series selector such as up{{job="api"}}, found {text[:100]!r}')
        return tree.matchers


def _pairs(text: bytes, place: str) -> list[tuple[str, str]]:
    """What `a=b&c=d` says. Bytes that are no UTF-8 are refused: a query with other characters in their place would ask something else."""
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except UnicodeDecodeError:
        raise BadParameter(f"the {place} is not UTF-8") from None
    except ValueError as error:
        raise BadParameter(f"the {place} has more than {FIELDS_MAX} fields; ask in several requests") from error


def unescape_label(name: str) -> str:
    """
    A label's name as paths carry it: `U__http_2e_code` is `http.code`; others stay as they are.

    Source: Prometheus documentation, 'HTTP API', 'Querying label values'.
    """
    if not name.startswith("U__"):
        return name
    return re.sub(r"__|_([0-9a-fA-F]{1,6})_", _unescaped, name[3:])


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else ord("_")
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]
