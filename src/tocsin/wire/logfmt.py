"""
Lines of logfmt: `time=2026-11-20T02:03:11Z level=info msg="payment done" amount=12.5 retried`.

Unquoted numbers and true/false get their type, quoted values stay text, a key alone means true.
"""

from __future__ import annotations

import re
from typing import Any

from tocsin.errors import ParseError
from tocsin.wire.log_request import SERVICE_KEYS, TIME_KEYS

_PAIR = re.compile(r'\s*([^\s="]+)(?:(=)(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s"]*)))?(?!\S)')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(\.\d{1,17})?(?:[eE][+-]?\d{1,3})?")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_TYPED_STARTS = frozenset("-0123456789tfn")
_TEXT_KEYS = frozenset((*TIME_KEYS, *SERVICE_KEYS, "trace_id", "span_id"))  # digits alone may be an id: those stay text


def parse_logfmt(text: str) -> dict[str, Any]:
    """
    The fields of a line, in order.

    Raises:
        ParseError: There is no pair in it, or a quote is not closed.
    """
    fields: dict[str, Any] = {}
    position, pairs, end = 0, 0, len(text.rstrip())
    for match in _PAIR.finditer(text, 0, end):
        if match.start() != position:
            break
        key, equals, quoted, bare = match.groups()
        if bare is not None:
            fields[key] = bare if bare[:1] not in _TYPED_STARTS or key in _TEXT_KEYS else _typed(bare)
        elif quoted is not None:
            fields[key] = _ESCAPE.sub(_unescape, quoted) if "\\" in quoted else quoted
        else:
            fields[key] = True
        pairs += equals is not None
        position = match.end()
    if position != end:
        raise ParseError(f"not logfmt from column {position + 1}: {text[position : position + 40]!r}", position=position)
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
