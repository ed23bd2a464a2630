"""Matchers in both notations: what they mean, what is refused, and that nothing breaks the parser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.alert.routing.matchers import TEXT_LENGTH_MAX, format_matcher, format_matchers, is_classic, parse_matcher, parse_matchers
from tocsin.errors import InvalidInput, ParseError
from tocsin.model.series import Matcher, MatchOperator

EQUAL, NOT_EQUAL, REGEX, NOT_REGEX = MatchOperator


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("{}", []),
        ('{foo="bar",baz=~"a.*"}', [("foo", EQUAL, "bar"), ("baz", REGEX, "a.*")]),
        (" a = b , c != d, ", [("a", EQUAL, "b"), ("c", NOT_EQUAL, "d")]),
        ("a=", [("a", EQUAL, "")]),
        ("a=b\\", [("a", EQUAL, "b\\")]),
        ("a==b", [("a", EQUAL, "=b")]),
        ("a=b c", [("a", EQUAL, "b c")]),
        ("a=~b|c", [("a", REGEX, "b|c")]),
        ('a!~"b,c"', [("a", NOT_REGEX, "b,c")]),
        ('a="b\\"c\\\\d\\ne"', [("a", EQUAL, 'b"c\\d\ne')]),
        ('a="b\\d"', [("a", EQUAL, "b\\d")]),
        ('"a b"="c d"', [("a b", EQUAL, "c d")]),
        ("é=b", [("é", EQUAL, "b")]),
        ('"é"="\\xf0\\x9f\\x99\\x82\\u00e9\\101\\t"', [("é", EQUAL, "\U0001f642éA\t")]),
        ('a="\\xf0\\x9f"', [("a", EQUAL, "\\xf0\\x9f")]),
        ('{\n  a = "b",\n}', [("a", EQUAL, "b")]),
    ],
)
def test_what_they_mean(text: str, found: list[tuple[str, MatchOperator, str]]) -> None:
    """Both notations are read; what both can read means what it means in the older one."""
    assert parse_matchers(text) == tuple(Matcher(*each) for each in found)


@pytest.mark.parametrize(
    "text",
    [
        "a", '="b"', "a=b,,c=d", ",a=b", '"a b"=c,{', '"é="b"', 'a="b', 'a=b"', 'a="b"c"', "{{é=b}}", "é=b}", '"\\q"=b', '"\\ud800"=b',
        '"\\xff"=b', "é=b c", '"a"',
    ],
)  # fmt: skip
def test_what_is_no_matcher(text: str) -> None:
    """It is refused in words that say what was expected."""
    with pytest.raises(ParseError, match=r"expected|escape|quote"):
        parse_matchers(text)


def test_regular_expressions_are_checked() -> None:
    """One that RE2 does not take is refused, with its reason."""
    with pytest.raises(InvalidInput, match="missing \\]"):
        parse_matchers('a=~"["')
    assert parse_matchers('a="["')


def test_regular_expressions_match_whole_values() -> None:
    """As everywhere in Prometheus."""
    assert [parse_matcher("a=~b|c").matches(value) for value in ("b", "c", "bc", "")] == [True, True, False, False]


def test_one_matcher() -> None:
    """Where one is asked for, none and two are refused."""
    assert parse_matcher('a="b"') == Matcher("a", EQUAL, "b")
    for text in ("", "a=b,c=d"):
        with pytest.raises(ParseError, match="expected one matcher"):
            parse_matcher(text)


def test_too_long() -> None:
    """A text beyond all reason is refused before it is looked at."""
    with pytest.raises(InvalidInput, match="at most"):
        parse_matchers("a=" + "b" * TEXT_LENGTH_MAX)


def test_the_older_notation_is_known() -> None:
    """So that a configuration can be told of what Alertmanager means to give up."""
    assert [is_classic(text) for text in ("a=b", 'a="b c"', "a=b c", "a=", 'a="\\d"')] == [False, False, True, True, True]


def test_how_they_are_written() -> None:
    """Sorted, values in quotes, names too where they must be."""
    matchers = [Matcher("b", REGEX, 'x"\n\\'), Matcher("a b", EQUAL, "\t\u200bé"), Matcher("a", NOT_EQUAL, "1")]
    assert format_matchers(matchers) == '{a!="1","a b"="\\t\\u200bé",b=~"x\\"\\n\\\\"}'


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.builds(Matcher, names, st.sampled_from([EQUAL, NOT_EQUAL]), values), max_size=4))
def test_what_is_written_is_read_again(matchers: list[Matcher]) -> None:
    """Any names and values survive, each matcher for itself and all together."""
    for matcher in matchers:
        assert parse_matcher(format_matcher(matcher)) == matcher
    assert sorted(parse_matchers(format_matchers(matchers)), key=repr) == sorted(matchers, key=repr)


@given(st.text(st.sampled_from('ab=~!{}",\\ \n\tné0xu') | st.characters(), max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    """Whatever is written: matchers, or a mistake of the user's."""
    try:
        found = parse_matchers(text)
    except InvalidInput:
        return
    assert all(isinstance(matcher, Matcher) for matcher in found)
