"""Statements as values: what is joined, what is refused, and parameters that reach the engine as they are."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.store.builders import rows

from tocsin.store.sql import ParameterNames, Sql, encode_parameter, quote_string
from tocsin.store.store import Store

AWKWARD = "it's \"quoted\" `back` \\ back\\\\slash \\n \\N NULL \n\t\r\b\f\0 {p:String} $1 %s é🛎 \u2028 -- /* ; ' OR 1=1"
INT64 = st.integers(min_value=-(2**63), max_value=2**63 - 1)


def test_fragments_are_joined_with_their_values() -> None:
    """Texts and values travel together."""
    names = ParameterNames()
    joined = Sql("SELECT ") + Sql.join(", ", [names.bind("Int64", 1), names.bind("String", "x")])
    assert joined.text == "SELECT {p0:Int64}, {p1:String}"
    assert dict(joined.params) == {"p0": 1, "p1": "x"}
    assert Sql.join(" AND ", []).text == ""


def test_a_bare_string_is_refused() -> None:
    """No value can be spliced into a statement by accident."""
    with pytest.raises(TypeError, match="put values into params"):
        Sql("SELECT ") + "1"  # type: ignore[operator]


def test_one_name_is_one_value() -> None:
    """Two values under one name are a bug of ours, and said so."""
    same = Sql("{a:Int64}", {"a": 1})
    assert dict((same + same).params) == {"a": 1}
    with pytest.raises(AssertionError, match="two values"):
        same + Sql("{a:Int64}", {"a": 2})


def test_statements_cannot_be_changed() -> None:
    """The values of a joined statement are read-only."""
    joined = Sql("{a:Int64}", {"a": 1}) + Sql("")
    with pytest.raises(TypeError):
        joined.params["a"] = 2  # type: ignore[index]


@settings(max_examples=60, deadline=None)
@given(text=st.text(), texts=st.lists(st.text()), number=INT64, numbers=st.lists(INT64), flag=st.booleans())
@example(text=AWKWARD, texts=[AWKWARD, "", "]", "','", "\\"], number=0, numbers=[], flag=True)
@example(text="\\N", texts=["NULL", "\\N", "\0"], number=-1, numbers=[0], flag=False)
@example(text="", texts=[], number=2**63 - 1, numbers=[-(2**63)], flag=False)
def test_any_value_arrives_as_it_is(store: Store, text: str, texts: list[str], number: int, numbers: list[int], flag: bool) -> None:
    """Quotes, backslashes, NUL, things that look like SQL: what goes in as a parameter is what the engine has."""
    query = "SELECT {t:String}, {ts:Array(String)}, {n:Int64}, {ns:Array(Int64)}, {b:Bool}"
    (found,) = rows(store, query, t=text, ts=texts, n=number, ns=numbers, b=flag)
    assert found == [text, texts, number, numbers, flag]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(), min_size=1))
def test_any_double_arrives_as_it_is(store: Store, numbers: list[float]) -> None:
    """To the last bit; NaN stays one."""
    several = "arrayMap(n -> if(isNaN(n), 0, reinterpretAsUInt64(n)), {ns:Array(Float64)})"
    query = f"SELECT {several}, reinterpretAsUInt64({{n:Float64}}), isNaN({{n:Float64}})"
    ((found, single, nan),) = rows(store, query, ns=numbers, n=numbers[0])
    assert found == [0 if math.isnan(number) else int.from_bytes(struct.pack("<d", number), "little") for number in numbers]
    assert bool(nan) or single == found[0]


@settings(max_examples=60, deadline=None)
@given(st.text())
@example(AWKWARD)
def test_quoted_text_is_a_literal(store: Store, text: str) -> None:
    """Where the engine takes no parameter, a quoted text is what it was."""
    assert rows(store, f"SELECT {quote_string(text)}") == [[text]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, "true"), (7, "7"), (0.1, "0.1"), ("a\tb", "a\\tb"), (["a'b"], "['a\\'b']"), ([1, 2], "[1,2]"), (b"\x01\xff", "\x01\xff")],
)
def test_the_text_form_of_values(value: Any, expected: str) -> None:
    """The form that goes into the engine's parameters and a server's URL."""
    assert encode_parameter(value) == expected
