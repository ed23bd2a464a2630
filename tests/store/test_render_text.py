"""Texts as patterns, and numbers as the engine writes them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.store.plan import Gap
from tocsin.store.render_text import exact_pattern, float_text, like_pattern, spellings, wildcard_pattern, words, words_pattern
from tocsin.store.sql import Sql
from tocsin.store.store import Store


def matches(store: Store, pattern: str, text: str) -> bool:
    """Whether the engine finds the pattern in the text."""
    statement = Sql("SELECT match({text:String}, {pattern:String})", {"text": text, "pattern": pattern})
    return bool(store.engine.query(statement).rows[0][0])


@pytest.mark.parametrize(
    ("text", "found"),
    [("Req-B, café", ["req", "b", "café"]), ("a_b c.d", ["a", "b", "c", "d"]), ("!!", []), ("Ärger", ["Ärger"]), ("x1Y", ["x1y"])],
)
def test_words_are_split_as_the_index_splits_them(store: Store, text: str, found: list[str]) -> None:
    """Runs of ASCII letters and digits and of anything beyond ASCII, ASCII letters in lower case: just as the engine does."""
    assert words(text) == found
    statement = Sql("SELECT tokens(lower({text:String}), 'splitByNonAlpha')", {"text": text})
    assert store.engine.query(statement).rows == [[found]]


def test_patterns_find_what_they_say(store: Store) -> None:
    """Words in any case with anything between, exact texts not inside of longer ones, wildcards over stretches without spaces."""
    assert matches(store, words_pattern("full TABLE"), "a Full,  table scan")
    assert not matches(store, words_pattern("full table"), "full tables")
    assert not matches(store, words_pattern("full table"), "table full")
    assert matches(store, exact_pattern("req-B"), "[req-B]")
    assert not matches(store, exact_pattern("req-B"), "req-BB")
    assert not matches(store, exact_pattern("req-B"), "req-b")
    assert matches(store, wildcard_pattern(("tim", Gap.MANY)), "a Timeout")
    assert not matches(store, wildcard_pattern(("tim", Gap.MANY)), "longtime")
    assert matches(store, wildcard_pattern(("t", Gap.ONE, "m")), "tom")


@given(st.text(max_size=30))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_found_literally(store: Store, text: str) -> None:
    """Whatever an id consists of, its pattern compiles and finds it, and its LIKE pattern too."""
    assert matches(store, exact_pattern(text), text)
    statement = Sql("SELECT {text:String} LIKE {pattern:String}", {"text": text, "pattern": like_pattern((text,))})
    assert store.engine.query(statement).rows == [[1]]


@given(
    st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1e21, 1e20, 1e-6, 1e-7, 123456789.125, 5000.0, 5e-324])
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_doubles_are_spelled_as_the_engine_spells_them(store: Store, number: float) -> None:
    """The text of a double is the one under which the engine stores it."""
    statement = Sql("SELECT toString({number:Float64})", {"number": number})
    assert float_text(number) == store.engine.query(statement).rows[0][0]


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("5000", ["5000"]), ("5000.0", ["5000.0", "5000"]), ("007", ["007", "7"]), ("True", ["True", "true"]), ("abc", ["abc"]),
        ("1152921504606846976", ["1152921504606846976", "1152921504606847000"]), ("-0.50", ["-0.50", "-0.5"]), ("1e999", ["1e999", "inf"]),
        ("1e3", ["1e3", "1000"]), ("", [""]),
    ],
)  # fmt: skip
def test_a_number_has_several_spellings(value: str, texts: list[str]) -> None:
    """A value is looked for as written and as the engine writes that number."""
    assert spellings(value) == texts
