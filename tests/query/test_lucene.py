"""The query language: what reads as what, and what is said about what does not read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from luqum.parser import parser as luqum_parser
from luqum.tree import AndOperation, FieldGroup, Group, Not, OrOperation, Plus, Prohibit, SearchField, UnknownOperation
from luqum.tree import Word as LuqumWord

from tocsin.errors import InvalidInput, LimitExceeded, ParseError
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.store.plan import (
    And,
    Between,
    Compare,
    Equals,
    Everything,
    Exists,
    Field,
    Gap,
    Or,
    Phrase,
    Predicate,
    Regex,
    Scope,
    Wildcard,
    Word,
)
from tocsin.store.plan import Not as Negation

A, B, C = Word("a"), Word("b"), Word("c")


def key(name: str) -> Field:
    """An attribute, wherever it sits."""
    return Field(name)


READ: dict[str, Predicate] = {
    "": Everything(),
    "  ": Everything(),
    "*": Everything(),
    "a b": And((A, B)),
    "a AND b": And((A, B)),
    "a && b || c": Or((And((A, B)), C)),
    "a b OR c": Or((And((A, B)), C)),
    "a OR b c": Or((A, And((B, C)))),
    "(a OR b) c": And((Or((A, B)), C)),
    "NOT a": Negation(A),
    "-a": Negation(A),
    "!a": Negation(A),
    "NOT NOT a": A,
    "+a -b": And((A, Negation(B))),
    "-(a b)": Negation(And((A, B))),
    "well-known": Word("well-known"),
    "and or not": And((Word("and"), Word("or"), Word("not"))),
    '"a b"': Phrase("a b"),
    '"say \\"hi\\" \\\\"': Phrase('say "hi" \\'),
    "k:v": Equals(key("k"), "v"),
    "k=v": Equals(key("k"), "v"),
    "k==v": Equals(key("k"), "v"),
    "k!=v": Negation(Equals(key("k"), "v")),
    'k="a b" c': And((Equals(key("k"), "a b"), C)),
    "k: v": Equals(key("k"), "v"),
    "http.route:/api/v1": Equals(key("http.route"), "/api/v1"),
    "url:http://shop:80/a?b=c": Wildcard(key("url"), ("http://shop:80/a", Gap.ONE, "b=c")),
    "at:12:30:00": Equals(key("at"), "12:30:00"),
    "12:30:00": Word("12:30:00"),
    "http://shop/a": Word("http://shop/a"),
    "YWJj==": Word("YWJj=="),
    "k:a\\:b\\ c": Equals(key("k"), "a:b c"),
    '"a key":v': Equals(key("a key"), "v"),
    'k:"a*"': Equals(key("k"), "a*"),
    "k:a\\*": Equals(key("k"), "a*"),
    "k:a*b?": Wildcard(key("k"), ("a", Gap.MANY, "b", Gap.ONE)),
    "a**b": Wildcard(None, ("a", Gap.MANY, "b")),
    "k:*": Exists(key("k")),
    "has:k": Exists(key("k")),
    "_exists_:k": Exists(key("k")),
    "k:[* TO *]": Exists(key("k")),
    "k:>5": Compare(key("k"), ">", 5.0),
    "k:>=-5.5": Compare(key("k"), ">=", -5.5),
    "k<5": Compare(key("k"), "<", 5.0),
    "k: <= 5": Compare(key("k"), "<=", 5.0),
    "k:>abc": Compare(key("k"), ">", "abc"),
    "k:[1 TO 5}": Between(key("k"), 1.0, 5.0, high_included=False),
    "k:{1 TO *]": Compare(key("k"), ">", 1.0),
    "k:[* TO 5}": Compare(key("k"), "<", 5.0),
    'k:["a b" TO c]': Between(key("k"), "a b", "c"),
    "k:[1 TO b]": Between(key("k"), "1", "b"),
    "k:(a OR b)": Or((Equals(key("k"), "a"), Equals(key("k"), "b"))),
    "k:(>1 -3)": And((Compare(key("k"), ">", 1.0), Negation(Equals(key("k"), "3")))),
    "/a.b/": Regex(None, "a.b"),
    "k:/a\\/b c/": Regex(key("k"), "a/b c"),
    "level:warn": Between(Field("severity", Scope.INTRINSIC), 13, 16),
    "level:>warn": Compare(Field("severity", Scope.INTRINSIC), ">", 16),
    "level:<=warn": Compare(Field("severity", Scope.INTRINSIC), "<=", 16),
    "level:17": Between(Field("severity", Scope.INTRINSIC), 17, 17),
    "level:custom": Equals(Field("severity_text", Scope.INTRINSIC), "custom"),
    "service:a": Equals(Field("service", Scope.INTRINSIC), "a"),
    "resource.k:v": Or((Equals(Field("k", Scope.RESOURCE), "v"), Equals(key("resource.k"), "v"))),
}


@pytest.mark.parametrize("query", READ)
def test_a_query_reads_as_documented(query: str) -> None:
    """Each form of the language gives the condition that the documentation states."""
    assert parse_log_query(query) == READ[query]


REFUSED: dict[str, tuple[int, str]] = {
    "(a": (0, "not closed"),
    "a)": (1, "closes nothing"),
    "a AND": (5, "condition is expected"),
    "OR a": (0, "condition is expected"),
    "a OR OR b": (5, "condition is expected"),
    "()": (1, "condition is expected"),
    "k:": (2, "k:\\* for any"),
    "k:)": (2, "k:\\* for any"),
    '"abc': (0, "closing"),
    'k:"abc': (2, "closing"),
    ">5": (0, "key:>5"),
    "k:(a:b)": (3, "inside the group"),
    "k:[1 5]": (2, "write \\[1 TO 5\\]"),
    "k:>/a/": (3, "one value"),
    "[1 TO 5]": (0, "has no key"),
    "a \\": (2, "backslash"),
    "duration:5": (9, "duration:>250ms"),
    "duration:x*": (9, "no wildcard"),
    "kind:foo": (5, "one of unspecified"),
    "status:500": (7, "one of unset"),
    "root:maybe": (5, "root:true"),
    "trace_id:xyz": (9, "32 hexadecimal"),
    "NOT": (3, "condition is expected"),
}


@pytest.mark.parametrize("query", REFUSED)
def test_a_mistake_is_pointed_at(query: str) -> None:
    """A query that does not read is refused with the position of the mistake and a sentence that says what to write."""
    position, said = REFUSED[query]
    with pytest.raises(ParseError, match=said) as caught:
        parse_span_query(query)
    assert caught.value.position == position


@pytest.mark.parametrize("query", ["a" * 4_001, "(" * 40 + "a" + ")" * 40, " OR ".join("a" * 201), "+" * 1_500 + "a"])
def test_queries_are_bounded(query: str) -> None:
    """Length, nesting and number of conditions have limits."""
    with pytest.raises(LimitExceeded):
        parse_log_query(query)


def test_a_regular_expression_is_bounded() -> None:
    """An expression of more than 500 characters is refused where it stands."""
    with pytest.raises(ParseError, match="500"):
        parse_log_query(f"k:/{'a' * 501}/")


@given(st.text(max_size=60) | st.text(alphabet='ab:()[]{}"/\\*?-+!<>= \t.TOANDR', max_size=40))
def test_any_text_reads_or_is_refused(query: str) -> None:
    """No text makes the parser fail otherwise than by saying what is wrong, where."""
    for read in (parse_log_query, parse_span_query):
        refusal = _refusal(read, query)
        assert refusal is None or str(refusal)
        position = getattr(refusal, "position", None)
        assert position is None or 0 <= position <= len(query)


def _refusal(read: Callable[[str], Predicate], query: str) -> InvalidInput | None:
    try:
        read(query)
    except InvalidInput as error:
        return error
    return None


TERMS = st.sampled_from(["a", "b", "c", "k:v", "k:w"])


def queries() -> st.SearchStrategy[str]:
    """Texts in the part of the language that both parsers read alike: no space as operator."""
    return st.recursive(
        TERMS,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map("".join),
            inner.map(lambda text: f"({text})"),
            inner.map(lambda text: f"NOT ({text})"),
            inner.map(lambda text: f"-({text})"),
        ),
        max_leaves=8,
    )


@given(queries())
def test_pure_lucene_means_what_luqum_reads(query: str) -> None:
    """On plain Lucene, truth tables of our reading and of luqum's agree."""
    ours, theirs = parse_log_query(query), luqum_parser.parse(query)
    for number in range(32):
        true = {name for bit, name in enumerate(["a", "b", "c", "k:v", "k:w"]) if number >> bit & 1}
        assert _holds(ours, true) == _luqum_holds(theirs, true, "")


def _holds(predicate: Predicate, true: set[str]) -> bool:
    match predicate:
        case And(parts):
            return all(_holds(part, true) for part in parts)
        case Or(parts):
            return any(_holds(part, true) for part in parts)
        case Negation(part):
            return not _holds(part, true)
        case Word(text):
            return text in true
        case Equals(field, value):
            return f"{field.name}:{value}" in true
    raise AssertionError(predicate)


def _luqum_holds(node: Any, true: set[str], field: str) -> bool:
    if isinstance(node, AndOperation | UnknownOperation):
        return all(_luqum_holds(child, true, field) for child in node.children)
    if isinstance(node, OrOperation):
        return any(_luqum_holds(child, true, field) for child in node.children)
    if isinstance(node, Not | Prohibit):
        return not _luqum_holds(node.children[0], true, field)
    if isinstance(node, Group | FieldGroup | Plus):
        return _luqum_holds(node.children[0], true, field)
    if isinstance(node, SearchField):
        return _luqum_holds(node.expr, true, f"{node.name}:")
    assert isinstance(node, LuqumWord)
    return f"{field}{node.value}" in true
