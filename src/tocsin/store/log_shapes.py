"""
Shapes of log records: what is left of a body when the parts that plainly vary are masked. The engine masks and counts; what comes back is
a few rows for millions of records.

    charge for order 4711 failed after 302.5 ms   ->   charge for order <*> failed after <*> ms

and the table of patterns, which is made from shapes by `tocsin.query.patterns`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.store.engine import Engine, SettingValue
from tocsin.store.read_range import Within, in_range, where
from tocsin.store.render import SEVERITY
from tocsin.store.sql import ParameterNames, Sql, quote_string

MASK = "<*>"
LINE_CHARACTERS_MAX = 400
WARN = 13  # severity number from which on no record is left out of a sample. Source: OpenTelemetry, log data model
# What plainly varies, the longest kind first: the engine takes the first that fits.
VARYING = (
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",  # UUID
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?",  # time
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",  # mail address
    r"https?://[^\s\"'<>]+",
    r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?",  # IPv4
    r"(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{0,4}",  # IPv6
    r"\"[^\"]{0,200}\"",
    r"'[^']{0,200}'",
    r"(?:/[\w.@%+~-]+){2,}/?",  # path
    r"0x[0-9a-fA-F]+",
    r"\b[0-9a-fA-F]{12,}\b",
    r"[+-]?\d+(?:[.,:]\d+)*",
)
READ_SETTINGS: dict[str, SettingValue] = {"max_execution_time": 30}


@dataclass(frozen=True, slots=True)
class Shape:
    """
    Records of one service that look alike.

    Args:
        service: Whose.
        text: The shape.
        count: How many, estimated where records were sampled.
        severity: Of the most severe, OpenTelemetry's number, 0 to 24.
        first_ns, last_ns: Instants of the first and the last.
        example: The line of one of them, cut.
    """

    service: str
    text: str
    count: float
    severity: int
    first_ns: int
    last_ns: int
    example: str


@dataclass(frozen=True, slots=True)
class PatternRow:
    """A row of `log_patterns`; see the migration."""

    service: str
    id: str
    template: str
    severity: int
    first_ns: int
    example: str
    merged_into: str = ""


def count_records(condition: Sql, within: Within, names: ParameterNames) -> Sql:
    """How many records there are: one number."""
    return Sql("SELECT count() FROM logs") + where([*in_range(within, names), condition])


def shapes(condition: Sql, within: Within, *, one_in: int, limit: int, names: ParameterNames) -> Sql:
    """
    The shapes of records, the commonest first; the columns are the fields of `Shape`.

    Args:
        condition: Which records.
        within: When.
        one_in: Of records below WARN one in so many is looked at.
        limit: Most shapes.
        names: For placeholders.
    """
    sampled = Sql(f"({SEVERITY} >= {WARN} OR cityHash64(ts, body) % ") + names.bind("UInt32", one_in) + Sql(" = 0)")
    weight = Sql(f"if({SEVERITY} >= {WARN}, 1, ") + names.bind("UInt32", one_in) + Sql(")")
    line = f"substringUTF8(if(position(body, '\\n') = 0, body, substring(body, 1, position(body, '\\n') - 1)), 1, {LINE_CHARACTERS_MAX})"
    mask = f"replaceRegexpAll(line, {quote_string('|'.join(VARYING))}, {quote_string(MASK)})"
    inner = Sql(f"SELECT service, ts, {SEVERITY} AS level, {line} AS line, {mask} AS shape, ") + weight + Sql(" AS weight FROM logs")
    columns = "sum(weight) AS records, max(level), toUnixTimestamp64Nano(min(ts)), toUnixTimestamp64Nano(max(ts)), argMin(line, ts)"
    return (
        Sql(f"SELECT service, shape, {columns} FROM (")
        + inner
        + where([*in_range(within, names), condition, sampled])
        + Sql(") GROUP BY service, shape ORDER BY records DESC, service, shape LIMIT ")
        + names.bind("UInt32", limit)
    )


def of_segments(segments: Sequence[int], names: ParameterNames) -> Sql:
    """The condition that a record came with one of these journal segments."""
    return Sql("segment IN ") + names.bind("Array(UInt64)", list(segments))


def read_shapes(engine: Engine, statement: Sql) -> list[Shape]:
    """What a statement made by `shapes` returns."""
    rows = engine.query(statement, settings=READ_SETTINGS).rows
    return [Shape(str(row[0]), str(row[1]), float(row[2]), int(row[3]), int(row[4]), int(row[5]), str(row[6])) for row in rows]


def read_patterns(engine: Engine) -> list[PatternRow]:
    """Every pattern, the oldest first."""
    statement = (
        "SELECT service, id, template, severity, toUnixTimestamp64Nano(first_ts), example, merged_into FROM log_patterns FINAL "
        "ORDER BY first_ts, service, id"
    )
    return [
        PatternRow(str(row[0]), str(row[1]), str(row[2]), int(row[3]), int(row[4]), str(row[5]), str(row[6]))
        for row in engine.query(Sql(statement)).rows
    ]


def write_patterns(engine: Engine, rows: Sequence[PatternRow], *, version: int) -> None:
    """Write patterns that are new or changed; `version` is higher than that of any earlier call."""
    for row in rows:
        names = ParameterNames()
        values = [
            names.bind("String", row.service),
            names.bind("String", row.id),
            names.bind("String", row.template),
            names.bind("UInt8", row.severity),
            Sql("fromUnixTimestamp64Nano(") + names.bind("Int64", row.first_ns) + Sql(", 'UTC')"),
            names.bind("String", row.example),
            names.bind("String", row.merged_into),
            names.bind("UInt64", version),
        ]
        columns = "service, id, template, severity, first_ts, example, merged_into, version"
        engine.execute(Sql(f"INSERT INTO log_patterns ({columns}) SELECT ") + Sql.join(", ", values))
