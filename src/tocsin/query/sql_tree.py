"""
What a user's SELECT may be made of.

The engine's parser gives the syntax tree; every node of it must be of a kind on the list here, every function and table in it allowed.
What is not known is refused: a new version of the engine may bring new ways out, and they must not be open by default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tocsin.errors import InvalidInput

NODE_LINE = re.compile(r"( *)([A-Za-z]+)(?: (.*?))??(?: \(alias .*?\))?(?: \(children (\d+)\))?")
NODES = frozenset({
    "ArrayJoin", "Asterisk", "ExpressionList", "Function", "Identifier", "InterpolateElement", "Literal", "OrderByElement",
    "QualifiedAsterisk", "SelectIntersectExceptQuery", "SelectQuery", "SelectWithUnionQuery", "Subquery", "TableExpression",
    "TableIdentifier", "TableJoin",
    "TablesInSelectQuery", "TablesInSelectQueryElement", "WindowDefinition", "WindowListElement", "WithElement",
})  # fmt: skip
NODE_ADVICE = {
    "Set": "settings are the desk's own: leave SETTINGS out",
    "Explain": "EXPLAIN is not offered here: run the SELECT itself",
    "ColumnsTransformerList": "APPLY, EXCEPT and REPLACE are not offered: name the columns",
}
TABLE_FUNCTIONS = frozenset({"numbers", "zeros", "generate_series", "generateSeries", "values", "SQLStandardValues"})
# Whole families that compute from their arguments alone.
CATEGORIES = frozenset({
    "Arithmetic", "Arrays", "Bit", "Bitmap", "Comparison", "Conditional", "Dates and Times", "Distance", "Encoding", "Hash", "IP Address",
    "JSON", "Logical", "Map", "Mathematical", "Null", "Random Number", "Rounding", "String", "String Replacement", "String Search",
    "String Splitting", "Time Window", "Tuple", "Type Conversion", "URL", "UUID",
})  # fmt: skip
# Harmless ones of mixed families, and what the parser makes of operators.
NAMED = frozenset({
    "bar", "byteSize", "caseWithExpression", "countDigits", "exists", "formatReadableDecimalSize", "formatReadableQuantity",
    "formatReadableSize", "formatReadableTimeDelta", "grouping", "identity", "isConstant", "isDecimalOverflow", "lambda", "materialize",
    "neighbor", "parseReadableSize", "parseTimeDelta", "rowNumberInAllBlocks", "rowNumberInBlock", "runningDifference", "throwIf",
    "toTypeName", "transform", "visibleWidth",
})  # fmt: skip
# Of the families above, what reaches further than its arguments: schema files, states in binary form, the server itself.
REFUSED = frozenset({
    "formatRow", "formatRowNoNewline", "naiveBayesNgrams", "randomHadamardTransform", "reinterpret", "serverTimezone",
    "structureToCapnProtoSchema", "structureToProtobufSchema", "timezone",
})  # fmt: skip
REFUSED_AGGREGATES = frozenset({"aggThrow", "flameGraph", "estimateCompressionRatio", "mergeTreePartInfo"})
COMBINATORS = ("If", "Array", "Distinct", "OrNull", "OrDefault", "ForEach", "Map", "ArgMin", "ArgMax")
IN_FUNCTIONS = re.compile(r"^(?:global)?(?:not)?(?:null)?in(?:ignoreset)?$", re.IGNORECASE)


@dataclass(slots=True)
class Node:
    """A node of a syntax tree: its kind (`Function`), its name (`count`), its children."""

    kind: str
    name: str
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Allowed:
    """
    What statements may name.

    Args:
        functions: Functions by name, in lower case where the engine ignores case.
        folded: Those of them that the engine finds in any case.
        aggregates: Aggregate functions, to which combinators may be added.
        tables: Tables.
        forbidden_tables: Tables that exist beside them, which not even an alias may be named like.
    """

    functions: frozenset[str]
    folded: frozenset[str]
    aggregates: frozenset[str]
    tables: frozenset[str]
    forbidden_tables: frozenset[str]


def allowed_names(functions: Iterable[Sequence[object]], existing: Iterable[str], offered: Iterable[str]) -> Allowed:
    """
    Sort the engine's functions and tables.

    Args:
        functions: Rows of name, alias_to, category, is_aggregate, origin, case_insensitive.
        existing: Every table of the database.
        offered: The telemetry tables.
    """
    rows = [
        (str(name), str(alias), str(category), bool(aggregate), origin == "System", bool(folded))
        for name, alias, category, aggregate, origin, folded in functions
    ]
    aggregates = {name for name, _, _, aggregate, system, _ in rows if aggregate and system and name not in REFUSED_AGGREGATES}
    plain = {name for name, _, category, aggregate, system, _ in rows if system and not aggregate and category in CATEGORIES} | NAMED
    good = (plain - REFUSED) | aggregates
    aliases = {name for name, alias, *_ in rows if alias and alias in good and name not in REFUSED}
    names = good | aliases
    return Allowed(
        functions=frozenset(names),
        folded=frozenset(name.lower() for name, *_, folded in rows if folded and name in names),
        aggregates=frozenset(aggregates | {name for name, alias, *_ in rows if alias in aggregates}),
        tables=frozenset(offered),
        forbidden_tables=frozenset(existing) - frozenset(offered),
    )


def read_tree(lines: Sequence[str]) -> Node:
    """
    The tree that the engine's lines draw; one space of indentation is one level.

    Raises:
        InvalidInput: The lines draw no tree, which a name with a line break in it can bring about.
    """
    path: list[Node] = []
    announced: list[int] = []
    for line in lines:
        match = NODE_LINE.fullmatch(line)
        depth = len(match[1]) if match else -1
        if match is None or depth > len(path) or (depth == 0 and path):
            raise InvalidInput("the statement can't be checked: name columns and tables in plain words")
        node = Node(match[2], match[3] or "")
        del path[depth:], announced[depth:]
        if path:
            path[-1].children.append(node)
            if len(path[-1].children) > announced[-1]:
                raise InvalidInput("the statement can't be checked: name columns and tables in plain words")
        path.append(node)
        announced.append(int(match[4] or 0))
    if not path:
        raise InvalidInput("the statement is empty: write a SELECT")
    return path[0]


def wrapped_statement(tree: Node) -> Node:
    """
    The user's statement inside the `SELECT * FROM (...)` that it was parsed in; the engine's own settings stand beside it.

    Raises:
        InvalidInput: The tree has another shape, so the statement is not inside its parentheses.
    """
    shape = [child.kind for child in tree.children[0].children[0].children if child.kind != "Set"] if _is_single_select(tree) else []
    inner = tree.children[0].children[0].children[1] if shape == ["ExpressionList", "TablesInSelectQuery"] else Node("", "")
    for kind in ("TablesInSelectQuery", "TablesInSelectQueryElement", "TableExpression"):
        if inner.kind != kind or len(inner.children) != 1:
            raise InvalidInput("the statement is not a single SELECT: write one over the telemetry tables")
        inner = inner.children[0]
    return inner


def _is_single_select(tree: Node) -> bool:
    return [tree.kind, *(child.kind for child in tree.children)] == ["SelectWithUnionQuery", "ExpressionList"] and [
        child.kind for child in tree.children[0].children
    ] == ["SelectQuery"]


def check_tree(tree: Node, allowed: Allowed, with_names: frozenset[str]) -> None:
    """
    Refuse what reaches beyond the telemetry tables.

    Args:
        tree: The statement's syntax tree.
        allowed: What it may name.
        with_names: Names that its WITH clauses define.

    Raises:
        InvalidInput: Says what was refused, and what to do.
    """
    waiting = [(tree, "")]
    while waiting:
        node, parent = waiting.pop()
        if node.kind not in NODES:
            raise InvalidInput(
                f"{node.kind} is refused: {NODE_ADVICE.get(node.kind, 'write a plain SELECT over ' + _list(allowed.tables))}"
            )
        if node.kind == "TableIdentifier":
            _check_table(node.name, allowed, with_names)
        elif node.kind == "Function":
            _check_function(node, parent, allowed, with_names)
        waiting.extend((child, node.kind) for child in node.children)


def _check_function(node: Node, parent: str, allowed: Allowed, with_names: frozenset[str]) -> None:
    if parent == "TableExpression":
        if node.name not in TABLE_FUNCTIONS:
            raise InvalidInput(f"the table function {node.name} is refused: read from {_list(allowed.tables)}, or from numbers(...)")
        return
    if not _is_allowed_function(node.name, allowed):
        raise InvalidInput(f"the function {node.name} is refused: it is unknown, or reaches beyond the telemetry tables; leave it out")
    if IN_FUNCTIONS.fullmatch(node.name) and node.children and len(node.children[0].children) > 1:
        right = node.children[0].children[1]
        if right.kind in {"Identifier", "TableIdentifier"}:
            _check_table(right.name, allowed, with_names)
    if node.name.lower() in {
        "cast",
        "_cast",
        "accuratecast",
        "accuratecastornull",
        "accuratecastordefault",
    } and "AggregateFunction" in repr(node):
        raise InvalidInput("a cast to an aggregate function's state is refused: aggregate in the statement itself")


def _is_allowed_function(name: str, allowed: Allowed) -> bool:
    if name in allowed.functions or name.lower() in allowed.folded:
        return True
    base = name
    while (suffix := next((ending for ending in COMBINATORS if base.endswith(ending) and base != ending), None)) is not None:
        base = base.removesuffix(suffix)
        if base in allowed.aggregates or base.lower() in allowed.folded & {name.lower() for name in allowed.aggregates}:
            return True
    return False


def _check_table(name: str, allowed: Allowed, with_names: frozenset[str]) -> None:
    if name in allowed.tables:
        return
    if "." not in name and name in with_names and name not in allowed.forbidden_tables:
        return
    raise InvalidInput(f"the table {name} is refused or unknown: read from {_list(allowed.tables)}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
