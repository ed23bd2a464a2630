"""
Conditions into SQL for the tables `logs` and `spans`.

    And((Equals(Field("request_id"), "req-7"), Word("timeout")))   on logs becomes

    ((hasAny(all_values, {p0:Array(String)}) AND attributes[{p1:String}] IN {p0:Array(String)}) OR resource IN {p2:Array(String)})
        AND (hasAllTokens(body, {p3:Array(String)}) OR has(all_values, {p4:String}))

Every value is a placeholder. `all_values` is the indexed array of attribute values: an equality asks it first, so that a needle is found
without reading the maps. Every condition is 0 or 1, never NULL, so that NOT means what it says.

A key may also sit in the resource, and an OR with that would keep the index from being used. So whoever asks looks the condition up in
the few distinct resources first (`read_vocabulary`) and passes what it found as `Vocabulary`: mostly nothing, and the OR falls away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tocsin.store.plan import (
    And,
    Between,
    Compare,
    Equals,
    Everything,
    Exists,
    Field,
    Leaf,
    Not,
    Or,
    Phrase,
    Predicate,
    Regex,
    Scope,
    Wildcard,
    Word,
)
from tocsin.store.render_text import like_pattern, spellings, wildcard_pattern, words, words_pattern
from tocsin.store.sql import ParameterNames, Sql

NEVER = Sql("0")
ALWAYS = Sql("1")
RESOURCES_LISTED_MAX = 500  # more of them are told apart by their text, not by a list


@dataclass(frozen=True, slots=True)
class Column:
    """An intrinsic field in its table: an expression, and its sort: text, folded (lower case), number, id, body, names (an array)."""

    sql: str
    sort: str
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """
    What rendering must know of a table.

    Args:
        name: Its name.
        intrinsics: Its columns by the name that plans use.
        texts: Short columns that words and phrases search besides attribute values; `body` has an index of its own.
        attributes: By scope, the map or array of maps that holds attributes.
    """

    name: str
    intrinsics: Mapping[str, Column]
    texts: tuple[str, ...]
    attributes: Mapping[Scope, str]


SEVERITY = (
    "if(severity_number != 0, severity_number, transform(lower(toString(severity_text)), "
    "['trace', 'debug', 'info', 'information', 'notice', 'warn', 'warning', 'error', 'err', 'fatal', 'critical', 'emergency', 'panic'], "
    "[1, 5, 9, 9, 9, 13, 13, 17, 17, 21, 21, 21, 21], 0))"
)
TRACE_ID = Column("trace_id", "id", "toFixedString('', 16)")
SPAN_ID = Column("span_id", "id", "toFixedString('', 8)")
SHARED = {"service": Column("service", "text"), "scope": Column("scope_name", "text"), "trace_id": TRACE_ID, "span_id": SPAN_ID}
LOGS = Table(
    "logs",
    {
        **SHARED,
        "severity": Column(SEVERITY, "number", "0"),
        "severity_number": Column("severity_number", "number", "0"),
        "severity_text": Column("lower(severity_text)", "folded"),
        "body": Column("body", "body"),
        "event_name": Column("event_name", "text"),
    },
    texts=(),
    attributes={Scope.RECORD: "attributes"},
)
SPANS = Table(
    "spans",
    {
        **SHARED,
        "name": Column("name", "text"),
        "kind": Column("kind", "number", "0"),
        "status": Column("status", "number", "0"),
        "status_message": Column("status_message", "text"),
        "duration": Column("duration_ns", "number", "-1"),
        "parent_span_id": Column("parent_span_id", "id", "toFixedString('', 8)"),
        "event": Column("event_names", "names"),
    },
    texts=("name", "status_message"),
    attributes={Scope.RECORD: "attributes", Scope.EVENT: "event_attributes", Scope.LINK: "link_attributes"},
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """For conditions that were looked up beforehand: the resources, and the span names, that satisfy them (all of them, maybe none)."""

    resources: Mapping[Leaf, list[str]] = field(default_factory=dict)
    names: Mapping[Leaf, list[str]] = field(default_factory=dict)


def render(predicate: Predicate, table: Table, names: ParameterNames, vocabulary: Vocabulary | None = None) -> Sql:
    """The condition as SQL for `table`, placeholders named by `names`."""
    return _Renderer(table, names, vocabulary or Vocabulary()).condition(predicate)


def resource_condition(leaf: Leaf, names: ParameterNames) -> Sql | None:
    """The condition on a resource's JSON text alone, None for a condition that no resource can satisfy by itself."""
    asked = getattr(leaf, "field", None)
    if not isinstance(asked, Field) or asked.scope not in {Scope.ANYWHERE, Scope.RESOURCE}:
        return None
    return _in_resource(leaf, asked, names)


def status_message_condition(leaf: Leaf, names: ParameterNames) -> Sql | None:
    """The same for the status message, which has an index of words: most spans have none, and an OR must not cost that of all."""
    if isinstance(leaf, Word | Phrase) and words(leaf.text):
        return _indexed_words("status_message", leaf.text, names)
    return name_condition(leaf, "status_message", names)


def name_condition(leaf: Leaf, column: str, names: ParameterNames) -> Sql | None:
    """The condition that a word, phrase, wildcard or expression without a field puts on a span's name; None for other conditions."""
    match leaf:
        case Word(text) | Phrase(text):
            return _has_words(column, text, names)
        case Wildcard(None, _) | Regex(None, _):
            return _matches(column, leaf, names)
        case _:
            return None


class _Renderer:
    """One condition tree for one table."""

    def __init__(self, table: Table, names: ParameterNames, vocabulary: Vocabulary) -> None:
        self._table = table
        self._names = names
        self._vocabulary = vocabulary

    def condition(self, predicate: Predicate) -> Sql:
        match predicate:
            case Everything():
                return ALWAYS
            case And(parts):
                return _joined(" AND ", [self.condition(part) for part in parts], ALWAYS)
            case Or(parts):
                return _joined(" OR ", [self.condition(part) for part in parts], NEVER)
            case Not(part):
                return Sql("NOT (") + self.condition(part) + Sql(")")
            case Word(text) | Phrase(text):
                return self._anything(predicate, text)
            case Wildcard(None, _) | Regex(None, _):
                return _joined(" OR ", [*self._bodies(predicate), *self._texts(predicate)], NEVER)
            case _:
                return self._field(predicate)

    def _anything(self, leaf: Word | Phrase, text: str) -> Sql:
        exact = Sql("has(all_values, ") + self._names.bind("String", text) + Sql(")")
        return _joined(" OR ", [*self._bodies(leaf), *self._texts(leaf), exact], NEVER)

    def _bodies(self, leaf: Word | Phrase | Wildcard | Regex) -> list[Sql]:
        if "body" not in self._table.intrinsics:
            return []
        if isinstance(leaf, Word | Phrase):
            return [_body_has(leaf.text, self._names)]
        return [_matches("body", leaf, self._names)]

    def _texts(self, leaf: Leaf) -> list[Sql]:
        return [part for column in self._table.texts if (part := self._text(leaf, column)) is not None]

    def _text(self, leaf: Leaf, column: str) -> Sql | None:
        known = self._vocabulary.names.get(leaf) if column == "name" else None
        if known is None:
            return status_message_condition(leaf, self._names) if column == "status_message" else name_condition(leaf, column, self._names)
        return _in_list(column, known, self._names) if known else None

    def _field(self, leaf: Leaf) -> Sql:
        asked = getattr(leaf, "field", None)
        assert isinstance(asked, Field), f"{type(leaf).__name__} has no field"
        if asked.scope is Scope.INTRINSIC:
            return _intrinsic(leaf, self._table.intrinsics[asked.name], self._names)
        scopes = list(self._table.attributes) if asked.scope is Scope.ANYWHERE else [asked.scope]
        held = [self._held(leaf, asked, self._table.attributes[scope]) for scope in scopes if scope in self._table.attributes]
        stored = _joined(" OR ", held, NEVER)
        if isinstance(leaf, Equals) and held:
            values = self._names.bind("Array(String)", spellings(str(leaf.value)))
            stored = Sql("(hasAny(all_values, ") + values + Sql(") AND ") + stored + Sql(")")
        resource = self._resource(leaf, asked) if asked.scope in {Scope.ANYWHERE, Scope.RESOURCE} else None
        return _joined(" OR ", [part for part in (stored if held else None, resource) if part is not None], NEVER)

    def _held(self, leaf: Leaf, asked: Field, column: str) -> Sql:
        """The condition on a map, or on each map of an array."""
        if column == "attributes":
            return _in_map(leaf, asked, column, self._names)
        return Sql("arrayExists(m -> ") + _in_map(leaf, asked, "m", self._names) + Sql(f", {column})")

    def _resource(self, leaf: Leaf, asked: Field) -> Sql | None:
        known = self._vocabulary.resources.get(leaf)
        if known is None or len(known) > RESOURCES_LISTED_MAX:
            return _in_resource(leaf, asked, self._names)
        return _in_list("resource", known, self._names) if known else None


def _joined(separator: str, parts: list[Sql], empty: Sql) -> Sql:
    if len(parts) < 2:
        return parts[0] if parts else empty
    return Sql("(") + Sql.join(separator, parts) + Sql(")")


def _in_list(column: str, values: list[str], names: ParameterNames) -> Sql:
    return Sql(f"{column} IN ") + names.bind("Array(String)", values)


def _in_map(leaf: Leaf, asked: Field, column: str, names: ParameterNames) -> Sql:
    key = names.bind("String", asked.name)
    there = Sql(f"mapContains({column}, ") + key + Sql(")")
    if isinstance(leaf, Exists):
        return there
    condition = _value(leaf, Sql(f"{column}[") + key + Sql("]"), names)
    # A missing key reads as '', which no number and no other text equals: only then may the look at the keys be spared.
    spared = (isinstance(leaf, Equals) and leaf.value != "") or _is_numeric(leaf)
    return condition if spared else Sql("(") + there + Sql(" AND ") + condition + Sql(")")


def _in_resource(leaf: Leaf, asked: Field, names: ParameterNames) -> Sql:
    key = names.bind("String", asked.name)
    if isinstance(leaf, Exists):
        return Sql("JSONHas(resource, ") + key + Sql(")")
    value = Sql("JSONExtract(resource, ") + key + Sql(", 'Nullable(String)')")
    return Sql("ifNull(") + _value(leaf, value, names) + Sql(", 0)")


def _is_numeric(leaf: Leaf) -> bool:
    bound = leaf.bound if isinstance(leaf, Compare) else leaf.low if isinstance(leaf, Between) else ""
    return isinstance(bound, float | int)


def _value(leaf: Leaf, value: Sql, names: ParameterNames) -> Sql:
    """The condition on one stored text."""
    match leaf:
        case Equals(_, wanted):
            texts = spellings(str(wanted))
            if len(texts) == 1:
                return value + Sql(" = ") + names.bind("String", texts[0])
            return value + Sql(" IN ") + names.bind("Array(String)", texts)
        case Compare() | Between() if _is_numeric(leaf):
            number = Sql("toFloat64OrNull(") + value + Sql(")")
            return Sql("ifNull(") + _ordered(leaf, number, lambda bound: names.bind("Float64", float(bound))) + Sql(", 0)")
        case Compare() | Between():
            return _ordered(leaf, value, lambda bound: names.bind("String", str(bound)))
        case Wildcard(_, pieces):
            return value + Sql(" LIKE ") + names.bind("String", like_pattern(pieces))
        case Regex(_, pattern):
            return Sql("match(") + value + Sql(", ") + names.bind("String", pattern) + Sql(")")
    raise AssertionError(f"{type(leaf).__name__} asks no value")


def _ordered(leaf: Compare | Between, value: Sql, bind: Callable[[str | float], Sql]) -> Sql:
    if isinstance(leaf, Compare):
        return value + Sql(f" {leaf.operator} ") + bind(leaf.bound)
    low, high = (">=" if leaf.low_included else ">"), ("<=" if leaf.high_included else "<")
    return Sql("(") + value + Sql(f" {low} ") + bind(leaf.low) + Sql(" AND ") + value + Sql(f" {high} ") + bind(leaf.high) + Sql(")")


def _intrinsic(leaf: Leaf, column: Column, names: ParameterNames) -> Sql:
    if isinstance(leaf, Exists):
        absent = {"names": "[]"}.get(column.sort, column.absent or "''")
        return Sql(f"{column.sql} != {absent}")
    if column.sort == "number":
        return _number(leaf, column, names)
    if column.sort == "id":
        return _id(leaf, column, names)
    if column.sort == "body":
        return _body(leaf, names)
    if column.sort == "names":
        return Sql("arrayExists(n -> ") + _value(leaf, Sql("n"), names) + Sql(f", {column.sql})")
    if column.sort == "folded":
        leaf = _folded(leaf)
    if isinstance(leaf, Equals):
        return Sql(f"{column.sql} = ") + names.bind("String", str(leaf.value))
    return _value(leaf, Sql(column.sql), names)


def _folded(leaf: Leaf) -> Leaf:
    match leaf:
        case Equals(asked, value):
            return Equals(asked, str(value).lower())
        case Wildcard(asked, pieces):
            return Wildcard(asked, tuple(piece.lower() if isinstance(piece, str) else piece for piece in pieces))
        case Regex(asked, pattern):
            return Regex(asked, f"(?i){pattern}")
        case _:
            return leaf


def _number(leaf: Leaf, column: Column, names: ParameterNames) -> Sql:
    if isinstance(leaf, Equals):
        return Sql(f"{column.sql} = ") + names.bind("Int64", int(leaf.value))
    assert isinstance(leaf, Compare | Between), f"{column.sql} is a number"
    return _ordered(leaf, Sql(column.sql), lambda bound: _bind_number(float(bound), names))


def _bind_number(bound: float, names: ParameterNames) -> Sql:
    return names.bind("Int64", int(bound)) if bound.is_integer() and abs(bound) < 2**63 else names.bind("Float64", bound)


def _id(leaf: Leaf, column: Column, names: ParameterNames) -> Sql:
    if isinstance(leaf, Equals):
        size = len(str(leaf.value)) // 2
        return Sql(f"{column.sql} = toFixedString(unhex(") + names.bind("String", str(leaf.value)) + Sql(f"), {size})")
    return _value(leaf, Sql(f"lower(hex({column.sql}))"), names)


def _body(leaf: Leaf, names: ParameterNames) -> Sql:
    match leaf:
        case Equals(_, value):
            return _body_has(str(value), names)
        case Wildcard() | Regex():
            return _matches("body", leaf, names)
        case _:
            return _value(leaf, Sql("body"), names)


def _body_has(text: str, names: ParameterNames) -> Sql:
    return _indexed_words("body", text, names) if words(text) else _has_words("body", text, names)


def _indexed_words(column: str, text: str, names: ParameterNames) -> Sql:
    """The words one after the other in a column with a text index, which knows words but not their order."""
    found = words(text)
    tokens = Sql(f"hasAllTokens({column}, ") + names.bind("Array(String)", found) + Sql(")")
    return tokens if len(found) == 1 else Sql("(") + tokens + Sql(" AND ") + _has_words(column, text, names) + Sql(")")


def _has_words(column: str, text: str, names: ParameterNames) -> Sql:
    if not words(text):
        return Sql(f"position({column}, ") + names.bind("String", text) + Sql(") > 0")
    return Sql(f"match({column}, ") + names.bind("String", words_pattern(text)) + Sql(")")


def _matches(column: str, leaf: Wildcard | Regex, names: ParameterNames) -> Sql:
    pattern = wildcard_pattern(leaf.pieces) if isinstance(leaf, Wildcard) else leaf.pattern
    return Sql(f"match({column}, ") + names.bind("String", pattern) + Sql(")")
