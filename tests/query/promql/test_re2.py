"""RE2's regular expressions on Python's engine: what they match, what is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.errors import InvalidInput
from tocsin.query.promql.re2 import check_pattern, compile_pattern
from tocsin.query.promql.re2_machine import Machine
from tocsin.query.promql.re2_tree import read_pattern


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("ab+c?", ["ab", "abbc"], ["ac", "abcc"]),
        ("a.b", ["axb", "a\nb"], ["ab"]),
        ("a|bc", ["a", "bc"], ["ac", "abc"]),
        ("(?i)stra(?-i)SSE", ["STRASSE", "straSSE"], ["straSse"]),
        ("x(?i)y|z", ["xy", "xY", "z", "Z"], ["Xy"]),
        ("(a(?i)b|c)d", ["aBd", "Cd"], ["aBD"]),
        ("(?i:k)K", ["kK", "KK"], ["kk"]),
        ("(?s-i:.)", ["\n"], [""]),
        ("(?U)a+b", ["aab"], ["b"]),
        (r"\d\w\s", ["7_\t", "0z "], ["٣a ", "7é "]),
        (r"\D\W\S", ["x-y", "é% "[:2] + "x"], ["1-y"]),
        (r"[\d.]+", ["1.2"], ["a"]),
        (r"[^\W]", ["a"], ["-"]),
        (r"[\D]", ["a"], ["5"]),
        ("[[:alpha:]_]+", ["ab_"], ["a1"]),
        ("[[:^digit:]]", ["x", "é"], ["3"]),
        ("[]a]+", ["]a"], ["b"]),
        ("[a-]+", ["a-"], ["b"]),
        ("[&&||~~[]", ["&", "|", "~", "["], ["x"]),
        (r"\pL+\p{Nd}", ["äb5"], ["5b"]),
        (r"\PL\p{^Lu}", ["5a"], ["aA"]),
        (r"\Qa.b*\E+", ["a.b*", "a.b**"], ["axb"]),
        (r"\x41\x{1F600}\101\n", ["A😀A\n"], ["AAA"]),
        (r"\.\-\_\/", [".-_/"], ["x"]),
        ("a{2,3}", ["aa", "aaa"], ["a", "aaaa"]),
        ("a{,3}", ["a{,3}"], ["aa"]),
        ("{", ["{"], [""]),
        ("a$", ["a"], ["a\n"]),
        (r"\Aa\z", ["a"], ["ba"]),
        (r"(?m)a$\nb", ["a\nb"], ["ab"]),
        (r"é\b.", ["éx"], ["é-"]),
        ("(?P<one>a)(?<two>b)", ["ab"], ["a"]),
        ("", [""], ["x"]),
        ("#  x", ["#  x"], ["#x"]),
    ],
)
def test_patterns_mean_what_they_mean_in_re2(pattern: str, matching: list[str], other: list[str]) -> None:
    """Whole values match as RE2 would match them."""
    compiled = compile_pattern(pattern)
    machine = Machine(read_pattern(pattern))
    assert [value for value in matching if not compiled.fullmatch(value) or not machine.fullmatch(value)] == []
    assert [value for value in other if compiled.fullmatch(value) or machine.fullmatch(value)] == []


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a", "missing closing )"), ("a)", "unexpected )"), ("[a", "missing closing ]"), ("[b-a]", "invalid character class range"),
        ("*a", "missing argument to repetition operator"), ("a|*", "missing argument"), ("(?:+)", "missing argument"),
        ("a**", "nested repetition"),
        ("a++", "nested repetition"), ("a{2}{3}", "nested repetition"), ("a{1001}", "invalid repeat count"),
        ("a{3,2}", "invalid repeat count"),
        ("(?=a)", "unsupported Perl syntax"), ("(?!a)", "unsupported Perl syntax"), ("(?<=a)b", "unsupported Perl syntax"),
        ("(?<!a)b", "unsupported Perl syntax"), ("(a)(?P=x)", "unsupported Perl syntax"), ("(?x)a", "unsupported Perl syntax"),
        ("(a)\\1", "invalid escape sequence"), (r"\Z", "invalid escape sequence"), (r"\h", "invalid escape sequence"),
        ("a\\", "trailing backslash"),
        ("[[:nope:]]", "invalid character class range"), (r"\p{Greek}", "not supported"),
        ("(?P<a>x)(?P<a>y)", "duplicate capture group name"),
        ("(" * 60 + ")" * 60, "nests too deeply"), (r"\x{110000}", "invalid escape sequence"),
    ],
)  # fmt: skip
def test_what_re2_refuses_is_refused(pattern: str, message: str) -> None:
    """Look-around, back-references, possessive repetition and what is not closed are errors in RE2's words."""
    with pytest.raises(InvalidInput, match=re.escape(message)) as refused:
        check_pattern(pattern)
    assert str(refused.value).startswith("error parsing regexp: ")


@settings(max_examples=300)
@given(st.text(st.sampled_from("ab|()[]{}*+?^$\\.-:,12dwsDWSpLQEizmxU&~<>P=!#\n"), max_size=25))
def test_any_pattern_compiles_or_is_refused(pattern: str) -> None:
    """No pattern breaks the translation."""
    try:
        compile_pattern(pattern)
    except InvalidInput as error:
        assert str(error).startswith("error parsing regexp")  # noqa: PT017 - both ends are right


@given(st.text(max_size=20))
def test_quoted_text_matches_itself(text: str) -> None:
    r"""Between \Q and \E everything is literal."""
    clean = text.replace("\\E", "")
    assert compile_pattern(f"\\Q{clean}\\E").fullmatch(clean) is not None or "\\" in clean


_LEAVES = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "ab", "(?i:A)", "^", "$", r"\b", ""])
_PATTERNS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{2,}"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
        inner.map(lambda one: f"({one})"),
    ),
    max_leaves=6,
)


@settings(max_examples=300)
@given(_PATTERNS, st.text("abA-\n", max_size=6))
def test_the_machine_matches_what_python_matches(pattern: str, text: str) -> None:
    """Following all ways at once finds a match exactly where trying one after the other finds one."""
    quick = compile_pattern(pattern)._python().fullmatch(text)
    assert (Machine(read_pattern(pattern)).fullmatch(text) is None) == (quick is None)


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        ("(a+)(a*)", "aaa", ["aaa", ""]),
        ("(a+?)(a*)", "aaa", ["a", "aa"]),
        ("(a|ab)(c|bcd)?(d*)", "abcd", ["a", "bcd", ""]),
        ("(?:(a)|b)*", "ab", ["a"]),
        ("(x)?y", "y", [None]),
        ("(?P<0th>.)(?<last>.)", "pq", ["p", "q"]),
    ],
)
def test_groups(pattern: str, text: str, groups: list[str | None]) -> None:
    """Both engines find the same groups, the first way that leads to a match deciding; names may begin with digits."""
    tree = read_pattern(pattern)
    for found in (compile_pattern(pattern).fullmatch(text), Machine(tree).fullmatch(text)):
        assert found is not None
        assert [found.group(index) for index in range(tree.groups + 1)] == [text, *groups]
        assert [found.group(name) for name in tree.names] == [groups[index - 1] for index in tree.names.values()]
        for missing in (tree.groups + 1, "nobody"):
            with pytest.raises(IndexError):
                found.group(missing)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a*)*b", "(a?){40}b", "(.*)*b", "a*a*a*a*a*b", "(a|aa)+b", "((a+)x?)+b"])
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    """Patterns whose ways double with every character are followed in bounded time."""
    assert compile_pattern(pattern).fullmatch("a" * 2000) is None
    assert compile_pattern(pattern).fullmatch("a" * 30 + "b") is not None


def test_repeats_are_bounded() -> None:
    """Counted repetitions that multiply beyond measure are refused rather than built."""
    with pytest.raises(InvalidInput, match="too large"):
        check_pattern("((a{1000}){1000}){1000}")
    with pytest.raises(InvalidInput, match="repeats too much"):
        compile_pattern("((a|b){100}){200}").fullmatch("a" * 100)
