"""RE2's expressions run by Python: the same meaning, or a refusal that names what can't be said."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.collect.go_regex import compile_whole, expand, translate
from tocsin.errors import ParseError


@pytest.mark.parametrize(
    ("regex", "matching", "other"),
    [
        ("a.c", "a\nc", "ac"),
        ("web|db", "db", "dbx"),
        ("a$", "a", "a\n"),
        ("(?m:a$\nb)", "a\nb", "a b"),
        (r"\d+", "12", "\u0661"),
        (r"\w+", "a_1", "é"),
        (r"\D", "\u0661", "1"),
        (r"[\D]", "\u0661", "1"),
        (r"[^\d\s]+", "ab", "a b"),
        (r"\s", " ", "\v"),
        (r"[[:alpha:]]+", "abc", "ab1"),
        (r"[[:^alpha:]]+", "123", "a"),
        (r"[]a]+", "]a", "b"),
        (r"[a\]]+", "a]", "b"),
        (r"[a&&b|~-]+", "&a~-", "c"),
        (r"\Qa.b\E+", "a.bb", "axb"),
        (r"\Qa.b", "a.b", "axb"),
        (r"\x41\x{42}\103", "ABC", "abc"),
        (r"a{,2}", "a{,2}", "aa"),
        (r"a{2,3}?", "aaa", "a"),
        ("(?i)Web", "wEB", "we"),
        ("(?i)a|b", "B", "c"),
        ("((?i)a)b", "Ab", "AB"),
        ("(?i:a)b", "Ab", "AB"),
        ("(?-s).", "a", "\n"),
        (r"(?<n>a)(?P<m>b)", "ab", "a"),
        (r"a\z", "a", "a\n"),
        (r"\Aa", "a", "b"),
        (r"\bé\b|a\b", "a", "é"),
        (r"\_\-\.", "_-.", "_-x"),
        ("a**"[:2], "aaa", "b"),
        ("", "", "a"),
    ],
)
def test_expressions_mean_what_they_mean_in_re2(regex: str, matching: str, other: str) -> None:
    """Corners in which the two languages differ: one text that matches, one that does not."""
    assert compile_whole(regex).fullmatch(matching)
    assert not compile_whole(regex).fullmatch(other)


@pytest.mark.parametrize(
    ("regex", "says"),
    [
        ("a(", "expected '[)]'"),
        ("a)", "without its"),
        ("[a", "expected ']'"),
        ("a**", "no second repetition"),
        ("a*+", "no second repetition"),
        ("a{2}{3}", "no second repetition"),
        ("a{1001}", "at most 1000"),
        ("*a", "does not compile"),
        (r"(a)\1", "no references"),
        ("(?=a)", "no looking around|RE2 knows no"),
        ("(?!a)", "RE2 knows no"),
        ("(?<=a)b", "RE2 knows no"),
        ("(?#x)", "RE2 knows no"),
        ("(?>a)", "RE2 knows no"),
        ("(?P=n)", "RE2 knows no"),
        ("(?U)a*", "flag 'U' is not supported"),
        ("(?x)a", "flag 'x' is not supported"),
        ("a(?i)b", "from the middle of a group"),
        (r"\pL", "Unicode classes"),
        (r"[\p{Greek}]", "Unicode classes"),
        (r"\Z", "escape of RE2"),
        (r"\y", "escape of RE2"),
        ("\\", "escape of RE2"),
        ("[z-a]", "ascends"),
        ("[[:nope:]]", "POSIX class"),
        ("(?P<1a>b)", "group's name"),
        ("(?P<a>b)(?P<a>c)", "does not compile"),
    ],
)
def test_what_cannot_be_said_is_refused(regex: str, says: str) -> None:
    """A construct that RE2 does not know, or Python can't express, is named with its place."""
    with pytest.raises(ParseError, match=says):
        compile_whole(regex)


@given(st.text(max_size=20))
def test_a_quoted_text_matches_itself_alone(text: str) -> None:
    """However odd, a text between the marks for literal text matches itself and nothing longer."""
    if "\\E" not in text and not text.endswith("\\"):
        assert compile_whole(f"\\Q{text}\\E").fullmatch(text)
        assert not compile_whole(f"\\Q{text}\\E").fullmatch(text + "x")


@given(st.text(alphabet="ab0_.-|()[]{}*+?^$\\,dwspQEPx:<>&~#i\n", max_size=16))
def test_any_text_compiles_or_is_refused(regex: str) -> None:
    """Whatever is written, there is a pattern or a ParseError, and no other failure."""
    with contextlib.suppress(ParseError):
        compile_whole(regex)


def test_what_is_plain_stays_readable() -> None:
    """An expression without corners is translated to itself."""
    assert translate("([^:]+):.*") == "([^:]+):.*"


@pytest.mark.parametrize(
    ("template", "out"),
    [
        ("$1", "left"),
        ("${1}x", "leftx"),
        ("$1x", ""),
        ("$name", "right"),
        ("${name}-$1", "right-left"),
        ("$9", ""),
        ("$$1", "$1"),
        ("$", "$"),
        ("a$-b", "a$-b"),
        ("${", "${"),
        ("$0", "left-right"),
        ("$01", ""),
        ("plain", "plain"),
        ("$nope", ""),
    ],
)
def test_references_are_replaced_as_go_does(template: str, out: str) -> None:
    """A name without braces is as long as it can be; what is not there is empty; a lone dollar stays."""
    match = re.fullmatch(r"(\w+)-(?P<name>\w+)", "left-right")
    assert match is not None
    assert expand(template, match) == out
