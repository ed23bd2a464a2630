"""Lines of logfmt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import ParseError
from tocsin.wire.logfmt import parse_logfmt


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('level=info msg="payment done" n=12', {"level": "info", "msg": "payment done", "n": 12}),
        ("a=1.5 b=-2 c=1e3 d=007 e=12x f=", {"a": 1.5, "b": -2, "c": 1000.0, "d": "007", "e": "12x", "f": ""}),
        ('a="12" b=true c=false d=null retried', {"a": "12", "b": True, "c": False, "d": None, "retried": True}),
        (r'msg="say \"hi\"\n\\" x=1', {"msg": 'say "hi"\n\\', "x": 1}),
        ('empty="" x=1', {"empty": "", "x": 1}),
        ("span_id=1234567890123456 ts=1700000000", {"span_id": "1234567890123456", "ts": "1700000000"}),
        ("  a=1   b=2  ", {"a": 1, "b": 2}),
        ("a=1 a=2", {"a": 2}),
        ("url=http://x/?q=1", None),
        ("ünï=ö", {"ünï": "ö"}),
    ],
)
def test_lines(line: str, fields: dict[str, Any] | None) -> None:
    """Types of unquoted values, quotes and escapes, keys alone; an equals sign within a value is a part of it."""
    assert parse_logfmt(line) == (fields if fields is not None else {"url": "http://x/?q=1"})


@pytest.mark.parametrize(
    ("line", "position"), [('a=1 b="open', 4), ('a="x"y b=1', 0), ("=1", 0), ("just some words", None), ('a=1 "x"', 4), ("", None)]
)
def test_what_is_no_logfmt_is_refused(line: str, position: int | None) -> None:
    """An open quote, text behind a quote, no key, no pair at all; with the place where there is one."""
    with pytest.raises(ParseError) as caught:
        parse_logfmt(line)
    assert caught.value.position in {position, None if position is None else position - 1}


@given(st.dictionaries(st.from_regex(r"[a-z_.]{1,8}", fullmatch=True), st.text(max_size=20), min_size=1, max_size=5))
def test_quoted_values_come_back(fields: dict[str, str]) -> None:
    """Whatever text is quoted with the two escapes is read as it was."""
    line = " ".join(f'{key}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"' for key, value in fields.items())
    assert parse_logfmt(line) == fields


@given(st.text(alphabet='ab="\\ \t1.-', max_size=40))
def test_any_line_is_read_or_refused(line: str) -> None:
    """Fields or a ParseError."""
    try:
        assert parse_logfmt(line)
    except ParseError as error:
        assert str(error)  # noqa: PT017 (either outcome is right)
