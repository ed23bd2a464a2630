r"""
The query language: Lucene's syntax as Kibana and ClickStack users type it, read into a tree of conditions.

    event:tool AND error:true AND latency_ms:>1000 "full table scan"

    a b              both: a space is AND, and binds as AND does        a OR b, a || b         one of them
    NOT a, -a, !a    not a                                              (a OR b) c             grouping
    key:value        key=value, key:"a value", "a key":value            key!=value             not that value
    key:>5           key>5, key:>=5, key:<5, key:<=5                    key:[1 TO 5}           a range; } leaves the end out, * is open
    key:*            the key is there; has:key, _exists_:key as well    key:(a OR b)           the key for each of the group
    foo*, *b?r*      wildcards: any text, one character                 key:/re.*x/            a regular expression (RE2) found in the value
    \:  \(  \*       a character that stands for itself

AND binds closer than OR. `+a` is `a`: everything written is asked for anyway. What a key means is in `fields`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tocsin.errors import LimitExceeded, ParseError
from tocsin.query.scan import Kind, Token, scan
from tocsin.store.plan import And, Everything, Not, Or, Predicate

CLAUSES_MAX = 200
DEPTH_MAX = 32
ENDS = frozenset({Kind.END, Kind.CLOSE, Kind.OR})


@dataclass(frozen=True, slots=True)
class Clause:
    """
    One condition as written.

    Args:
        field: The key's token, None for a bare value.
        comparison: `<`, `<=`, `>` or `>=`; empty for equality.
        value: The value's token.
    """

    field: Token | None
    comparison: str
    value: Token


class Meaning(Protocol):
    """What a clause means for one kind of record."""

    def __call__(self, clause: Clause) -> Predicate:
        """
        The condition that a clause states.

        Raises:
            ParseError: The field can't be asked so.
        """
        ...


def parse(text: str, meaning: Meaning) -> Predicate:
    """
    Read a query.

    Args:
        text: The query; an empty one asks for everything.
        meaning: What clauses mean.

    Raises:
        ParseError: It does not read; the message says what to write instead, `position` where.
        LimitExceeded: It is too long, has too many clauses, or is nested too deeply.
    """
    parser = _Parser(scan(text), meaning)
    if parser.at_end():
        return Everything()
    predicate = parser.alternatives(None, 0)
    if not parser.at_end():
        raise ParseError(
            f"the ) at position {parser.token.position} closes nothing: remove it, or write \\)", position=parser.token.position
        )
    return predicate


class _Parser:
    """Reads tokens from left to right; each method leaves the token after what it read."""

    def __init__(self, tokens: list[Token], meaning: Meaning) -> None:
        self._tokens = tokens
        self._meaning = meaning
        self._index = 0
        self._clauses = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._index]

    @property
    def kind(self) -> Kind:
        return self.token.kind

    def at_end(self) -> bool:
        return self.kind is Kind.END

    def alternatives(self, field: Token | None, depth: int) -> Predicate:
        """`a OR b OR c`."""
        parts = [self._conjunction(field, depth)]
        while self.kind is Kind.OR:
            self._take()
            parts.append(self._conjunction(field, depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _conjunction(self, field: Token | None, depth: int) -> Predicate:
        """`a AND b c`."""
        parts = [self._factor(field, depth)]
        while self.kind not in ENDS:
            if self.kind is Kind.AND:
                self._take()
            parts.append(self._factor(field, depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _factor(self, field: Token | None, depth: int) -> Predicate:
        negated = False
        while self.kind in {Kind.NOT, Kind.PLUS}:
            negated ^= self._take().kind is Kind.NOT
        predicate = self._operand(field, depth)
        return Not(predicate) if negated else predicate

    def _operand(self, field: Token | None, depth: int) -> Predicate:
        if self.kind is Kind.OPEN:
            return self._group(field, depth)
        if self.kind is Kind.FIELD:
            return self._field(field, depth)
        return self._clause(field)

    def _group(self, field: Token | None, depth: int) -> Predicate:
        opening = self._take()
        if depth >= DEPTH_MAX:
            raise LimitExceeded(f"the query nests more than {DEPTH_MAX} parentheses (position {opening.position}); simplify it")
        predicate = self.alternatives(field, depth + 1)
        if self.kind is not Kind.CLOSE:
            raise ParseError(
                f"the ( at position {opening.position} is not closed: write a ) after its last term", position=opening.position
            )
        self._take()
        return predicate

    def _field(self, outer: Token | None, depth: int) -> Predicate:
        field = self._take()
        if outer is not None:
            message = f"{field.text!r} at position {field.position} is a field inside the group of {outer.text!r}"
            raise ParseError(f"{message}: quote it if it is a value, or close the group before it", position=field.position)
        return self._group(field, depth) if self.kind is Kind.OPEN else self._clause(field)

    def _clause(self, field: Token | None) -> Predicate:
        comparison = self._take() if self.kind is Kind.COMPARISON else None
        if comparison is not None and field is None:
            text = f"{comparison.text} at position {comparison.position} compares nothing: write key:{comparison.text}5, or quote it"
            raise ParseError(text, position=comparison.position)
        if self.kind not in {Kind.TERM, Kind.PHRASE, Kind.REGEX, Kind.RANGE}:
            raise self._missing(field, comparison)
        self._clauses += 1
        if self._clauses > CLAUSES_MAX:
            raise LimitExceeded(f"the query has more than {CLAUSES_MAX} conditions; ask in several queries")
        return self._meaning(Clause(field, comparison.text if comparison else "", self._take()))

    def _missing(self, field: Token | None, comparison: Token | None) -> ParseError:
        here = "the query ends" if self.kind is Kind.END else f"{self.token.text!r} stands"
        place = f"{here} at position {self.token.position}"
        before = comparison or field
        if before is not None:
            advice = (
                f"where the value of {field.text if field else ''!r} is expected: write one, or {field.text if field else 'key'}:* for any"
            )
        else:
            advice = "where a condition is expected: write a word, key:value or a group in parentheses"
        return ParseError(f"{place} {advice}", position=self.token.position)

    def _take(self) -> Token:
        token = self.token
        self._index += 1
        return token
