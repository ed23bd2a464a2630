"""
Lines of logfmt: `time=2026-11-20T02:03:11Z level=info msg="payment done" amount=12.5 retried`.

Unquoted numbers and true/false get their type, quoted values stay text, a key alone means true.
"""

from __future__ import annotations

import re
from typing import Any

from tocsin.errors import ParseError
from tocsin.wire.log_request import SERVICE_KEYS, TIME_KEYS

_PAIR = re.compile(r'\s*([^\s="]+)(?:(=)(?:"((?:[^"\\]|\\.)*)"(?!\S)|([^\s"]*)(?!\S)))?(?=\s|$)')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(\.\d{1,17})?(?:[eE][+-]?\d{1,3})?")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_TEXT_KEYS = frozenset((*TIME_KEYS, *SERVICE_KEYS, "trace_id", "span_id"))  # digits alone may be an id: those stay text


def parse_logfmt(text: str) -> dict[str, Any]:
    """
    The fields of a line, in order.

    Raises:
        ParseError: There is no pair in it, or a quote is not closed.
    """
    fields: dict[str, Any] = {}
    position, pairs, end = 0, 0, len(text.rstrip())
    while position < end:
        match = _PAIR.match(text, position)
        if match is None:
            raise ParseError(f"not logfmt from column {position + 1}: {text[position : position + 40]!r}", position=position)
        key, equals, quoted, bare = match.groups()
        if quoted is not None:
            value: Any = _ESCAPE.sub(_unescape, quoted) if "\\" in quoted else quoted
        elif equals is None:
            value = True
        else:
            value = bare if key in _TEXT_KEYS else _typed(bare)
        pairs += equals is not None
        fields[key] = value
        position = match.end()
    if not pairs:
        raise ParseError("no key=value pair in the line")
    return fields


def _typed(bare: str) -> Any:
    if bare in _WORDS:
        return _WORDS[bare]
    match = _NUMBER.fullmatch(bare)
    if match is None:
        return bare
    return int(bare) if bare.lstrip("-").isdigit() else float(bare)


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[1])
