"""Strategies that write PromQL: queries that hold together in their types, with every piece of the language."""

from __future__ import annotations

from hypothesis import strategies as st

METRICS = ("errors_total", "node:load:avg5m", "up", "sum", "by", "offset", "and", "_x", "queue_length")
LABELS = ("job", "instance", "le", "sum", "and", "zone_id")
DURATIONS = ("30s", "5m", "1h30m", "1d", "2w", "1y", "250ms", "45", "1.5")
_VALUES = ("api", "a|b", ".+", "x\\\\.y", "", "ß", "5..")

names = st.sampled_from(METRICS)
durations = st.sampled_from(DURATIONS)
label_lists = st.lists(st.sampled_from(LABELS), max_size=3, unique=True).map(", ".join)


def _called(name: str, *arguments: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*arguments).map(lambda found: f"{name}({', '.join(found)})")


@st.composite
def _selectors(draw: st.DrawFn) -> str:
    pairs = [
        f'{draw(st.sampled_from(LABELS))}{draw(st.sampled_from(("=", "!=", "=~", "!~")))}"{draw(st.sampled_from(_VALUES))}"'
        for _ in range(draw(st.integers(0, 3)))
    ]
    if draw(st.booleans()):
        return draw(names) + (f"{{{','.join(pairs)}}}" if pairs else "")
    named = ",".join([*pairs, '__name__=~"q.+"'])
    return f"{{{named}}}"


@st.composite
def _modifiers(draw: st.DrawFn) -> str:
    at = draw(st.sampled_from(("", "", " @ 1700000000", " @ 12.345", " @ start()", " @ end()")))
    offset = draw(st.sampled_from(("", "", " offset 5m", " offset -1h", " offset 90")))
    return at + offset if draw(st.booleans()) else offset + at


numbers = st.one_of(
    st.integers(0, 10**12).map(str),
    st.floats(0, 1e9, allow_nan=False).map(lambda value: format(value, ".6f")),
    st.sampled_from(("0x1F", "1e3", ".5", "2.5e-3", "Inf", "NaN", "5m", "1h30m")),
)


def _vectors(vectors: st.SearchStrategy[str], scalars: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    ranges = st.one_of(
        st.tuples(_selectors(), durations, _modifiers()).map(lambda found: f"{found[0]}[{found[1]}]{found[2]}"),
        st.tuples(vectors, durations, st.sampled_from(("", "1m", "15s")), _modifiers()).map(lambda f: f"({f[0]})[{f[1]}:{f[2]}]{f[3]}"),
    )
    return st.one_of(
        vectors.map(lambda text: f"({text})"),
        st.tuples(st.sampled_from("+-"), vectors).map(lambda found: f"{found[0]}({found[1]})"),
        st.one_of(*(_called(name, ranges) for name in ("rate", "avg_over_time", "resets", "absent_over_time"))),
        _called("quantile_over_time", scalars, ranges),
        st.one_of(*(_called(name, vectors) for name in ("abs", "absent", "sort_desc", "histogram_sum", "day_of_week"))),
        _called("clamp", vectors, scalars, scalars),
        _called("label_replace", vectors, st.just('"dst"'), st.just('"$1"'), st.just('"src"'), st.just("'(.*)-x'")),
        _called("label_join", vectors, st.just('"dst"'), st.just('"-"'), st.just('"a"'), st.just("`b`")),
        scalars.map(lambda text: f"vector({text})"),
        _aggregations(vectors, scalars),
        _binaries(vectors),
        st.tuples(vectors, st.sampled_from(("*", "> bool", "<=", "^", "-")), scalars).map(lambda f: f"({f[0]}) {f[1]} {f[2]}"),
    )


@st.composite
def _aggregations(draw: st.DrawFn, vectors: st.SearchStrategy[str], scalars: st.SearchStrategy[str]) -> str:
    operator = draw(st.sampled_from(("sum", "avg", "count", "min", "MAX", "group", "stddev", "stdvar", "topk", "quantile", "count_values")))
    parameter = {"topk": scalars, "quantile": scalars, "count_values": st.just('"version"')}.get(operator)
    arguments = draw(vectors) if parameter is None else f"{draw(parameter)}, {draw(vectors)}"
    clause = f"{draw(st.sampled_from(('by', 'without')))} ({draw(label_lists)})"
    return draw(st.sampled_from((f"{operator}({arguments})", f"{operator} {clause} ({arguments})", f"{operator}({arguments}) {clause}")))


@st.composite
def _binaries(draw: st.DrawFn, vectors: st.SearchStrategy[str]) -> str:
    left, right = draw(vectors), draw(vectors)
    operator = draw(st.sampled_from(("+", "-", "*", "/", "%", "^", "atan2", "==", "!= bool", ">", "< bool", "and", "or", "unless")))
    matching = draw(st.sampled_from(("", "", " on (job)", " on ()", " ignoring (le, job)")))
    if matching and operator not in {"and", "or", "unless"}:
        matching += draw(st.sampled_from(("", " group_left ()", " group_right (zone_id)", " group_left (a, b)")))
    fill = "" if operator in {"and", "or", "unless"} else draw(st.sampled_from(("", "", " fill (0)", " fill_left (-1.5) fill_right (2)")))
    return f"{left} {operator}{matching}{fill} {right}"


scalar_leaves = st.one_of(numbers, st.sampled_from(("time()", "pi()", "-1", "(3)", "2 ^ 3 ^ 2", "-2 ^ 2", "1 < bool 2", "1 - 2 - 3 * 4")))
vector_leaves = st.tuples(_selectors(), _modifiers()).map("".join)
vector_queries = st.recursive(vector_leaves, lambda inner: _vectors(inner, scalar_leaves), max_leaves=8)
queries = st.one_of(vector_queries, scalar_leaves)
