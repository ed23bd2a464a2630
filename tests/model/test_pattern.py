"""Regular expressions: what they match, what is refused, what a replacement becomes."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InvalidInput
from tocsin.model.pattern import Match, check_pattern, compile_pattern, expand
from tocsin.model.series import Matcher, MatchOperator


def matched(pattern: str, text: str) -> Match:
    """The match of a pattern that must match."""
    found = compile_pattern(pattern).fullmatch(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("ab+c?", ["ab", "abbc"], ["ac", "abcc"]),
        ("a.b", ["axb", "a\nb", "aéb", "a😀b"], ["ab"]),
        ("a|bc", ["a", "bc"], ["ac", "abc"]),
        ("(?i)stra(?-i)SSE", ["STRASSE", "straSSE"], ["straSse"]),
        ("x(?i)y|z", ["xy", "xY", "z", "Z"], ["Xy"]),
        ("(a(?i)b|c)d", ["aBd", "Cd"], ["aBD"]),
        ("(?-s).", ["a"], ["\n"]),
        ("(?U)a+b", ["aab"], ["b"]),
        (r"\d\w\s", ["7_\t", "0z "], ["٣a ", "7é "]),
        (r"[\D]", ["a", "٣"], ["5"]),
        (r"\s", [" "], ["\v"]),
        ("[[:^digit:]]", ["x", "é"], ["3"]),
        ("[]a]+", ["]a"], ["b"]),
        ("[&&||~~[]", ["&", "|", "~", "["], ["x"]),
        (r"\pL+\p{Greek}", ["äbπ"], ["5π", "ab"]),
        (r"\Qa.b*\E+", ["a.b*", "a.b**"], ["axb"]),
        (r"\x41\x{1F600}\101\n", ["A😀A\n"], ["AAA"]),
        (r"\.\-\_\/", [".-_/"], ["x"]),
        ("a{,3}", ["a{,3}"], ["aa"]),
        ("a$", ["a"], ["a\n"]),
        (r"\Aa\z", ["a"], ["ba"]),
        (r"(?m)a$\nb", ["a\nb"], ["ab"]),
        ("", [""], ["x"]),
        ("#  x", ["#  x"], ["#x"]),
        ("a\x00b", ["a\x00b"], ["a"]),
        (r"[\\C](?P<x>.)\\C[[:alpha:]\]]\Q\C(?<x>\E", ["Cy\\C]\\C(?<x>"], ["C"]),
    ],
)
def test_patterns_mean_what_they_mean_in_prometheus(pattern: str, matching: list[str], other: list[str]) -> None:
    """Whole values match, dots take line feeds, `$` stands at the very end, classes are ASCII's."""
    compiled = compile_pattern(pattern)
    assert [value for value in matching if not compiled.fullmatch(value)] == []
    assert [value for value in other if compiled.fullmatch(value)] == []


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a", "missing ): (a"), ("a)", "unexpected ): a)"), ("[a", "missing ]: [a"), ("[b-a]", "invalid character class range: b-a"),
        ("*a", "no argument for repetition operator: *"), ("a**", "bad repetition operator: **"), ("a{1001}", "invalid repetition size"),
        ("(?=a)", "invalid perl operator: (?="), ("(?<!a)b", "invalid perl operator"), ("(a)\\1", r"invalid escape sequence: \1"),
        (r"\Z", r"invalid escape sequence: \Z"), (r"\é", r"invalid escape sequence: \é"), ("a\\", "trailing \\"),
        ("((a{1000}){1000}){1000}", "invalid repetition size"), ("\ud800", "invalid UTF-8"),
        ("|".join(f"{number * 7919 % 100_003}.host.example" for number in range(20_000)), "pattern too large"),
    ],
)  # fmt: skip
def test_what_is_no_pattern_is_refused(pattern: str, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The error carries RE2's reason, and nothing is said on standard error."""
    with pytest.raises(InvalidInput, match=re.escape(f"error parsing regexp: {message}")):
        check_pattern(pattern)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"a\C", r"invalid escape sequence: \C"),
        (r"[]\]]\C", r"invalid escape sequence: \C"),
        (r"\Qa\E\C", r"invalid escape sequence: \C"),
        ("(?P<a>x)(?<a>y)", "duplicate capture group name: a"),
        ("(?P<größe>x)", "invalid named capture group: (?P<größe>"),
    ],
)
def test_what_go_refuses_is_refused(pattern: str, message: str) -> None:
    """What the library takes and Prometheus does not is an error as well."""
    with pytest.raises(InvalidInput, match=re.escape(message)):
        check_pattern(pattern)


@given(st.text(st.sampled_from("ab|()[]{}*+?^$\\.-:,12dwsDWSpLQECimxU&~<>P=!#é\n"), max_size=25))
def test_any_text_compiles_or_is_refused(pattern: str) -> None:
    """Whatever is written, there is a pattern or InvalidInput, and no other failure."""
    with contextlib.suppress(InvalidInput):
        compile_pattern(pattern).fullmatch("ab")


@given(st.text(max_size=20))
def test_quoted_text_matches_itself_alone(text: str) -> None:
    r"""However odd, a text between \Q and \E matches itself and nothing longer."""
    if "\\E" not in text and not text.endswith("\\"):
        assert matched(f"\\Q{text}\\E", text).group(0) == text
        assert compile_pattern(f"\\Q{text}\\E").fullmatch(text + "x") is None


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        ("(a+)(a*)", "aaa", ["aaa", ""]),
        ("(a+?)(a*)", "aaa", ["a", "aa"]),
        ("(a|ab)(c|bcd)?(d*)", "abcd", ["a", "bcd", ""]),
        ("(x)?y", "y", [None]),
        ("(é+)(.)(.*)", "éé😀ß", ["éé", "😀", "ß"]),
    ],
)
def test_groups(pattern: str, text: str, groups: list[str | None]) -> None:
    """The first way that leads to a match decides what a group holds; characters beyond ASCII stay whole."""
    found = matched(pattern, text)
    assert [found.group(index) for index in range(len(groups) + 1)] == [text, *groups]


def test_groups_have_names() -> None:
    """Names may begin with digits; a group that is not there is an IndexError."""
    found = matched("(?P<0th>.)(?<last>.)", "pq")
    assert (found.group("0th"), found.group("last")) == ("p", "q")
    for missing in (3, -1, "nobody"):
        with pytest.raises(IndexError):
            found.group(missing)


def test_a_pattern_is_searched_for() -> None:
    """A search finds the first place, and a dot can be told to stop at line ends."""
    found = compile_pattern("b(.+)", dot_takes_lines=False).search("äb1\nb2")
    assert found is not None
    assert (found.group(0), found.group(1)) == ("b1", "1")
    assert compile_pattern("c").search("ab") is None


def test_half_a_character_is_one_that_is_unknown() -> None:
    """Half a surrogate pair, which no UTF-8 can hold, matches as the replacement character."""
    assert matched("a(.)", "a\udc80").group(1) == "\ufffd"


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a*)*b", "(a?){40}b", "a*a*a*a*a*b", "((a+)x?)+b"])
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    """Patterns whose ways double with every character are followed in time linear in the text."""
    assert compile_pattern(pattern).fullmatch("a" * 20_000) is None
    assert compile_pattern(pattern).fullmatch("a" * 30 + "b") is not None


@pytest.mark.parametrize(
    ("template", "out"),
    [
        ("$1", "left"),
        ("${1}x", "leftx"),
        ("$1x", ""),
        ("$name", "right"),
        ("${name}-$1", "right-left"),
        ("$9", ""),
        ("$12345678901", ""),
        ("$$1", "$1"),
        ("$", "$"),
        ("a$-b", "a$-b"),
        ("${", "${"),
        ("${}", "${}"),
        ("$0", "left-right"),
        ("$01", "-"),
        ("$02", ""),
        ("plain", "plain"),
        ("$nope", ""),
    ],
)
def test_references_are_replaced_as_go_does(template: str, out: str) -> None:
    """A name without braces is as long as it can be; what is not there is empty; a lone dollar stays; `01` is a name, no number."""
    assert expand(template, matched(r"(\w+)(?P<01>-)(?P<name>\w+)(x)?", "left-right")) == out


@pytest.mark.parametrize(
    ("operator", "value", "matches"),
    [
        ("=~", r"\d+", ["1"]),
        ("!~", r"\d+", ["٣", "1\n", ""]),
        ("=~", "(?i)a|(?-i)٣", ["٣"]),
        ("=", "1", ["1"]),
        ("!=", "1", ["٣", "1\n", ""]),
    ],
)
def test_matchers_use_these_patterns(operator: str, value: str, matches: list[str]) -> None:
    """A condition on a label means in memory what it means in Prometheus."""
    matcher = Matcher("code", MatchOperator(operator), value)
    assert [text for text in ("1", "٣", "1\n", "") if matcher.matches(text)] == matches


def test_the_light_core_does_not_load_the_library() -> None:
    """`import tocsin` in a user's service carries no regular expressions but Python's."""
    code = "import sys, tocsin; sys.exit('re2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
