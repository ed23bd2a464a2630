"""Read-only SQL: what users need works, and nothing reaches beyond the telemetry tables."""

# ruff: noqa: E501 (statements are read side by side)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.query.conftest import open_world
from tests.query.telemetry import NOW, LogLine, SpanLine, World, trace_id

from tocsin.errors import InvalidInput, LimitExceeded, Timeout, TocsinError
from tocsin.query.sql_tree import read_tree


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A store with a few spans and logs, which no statement of these tests can change."""
    for world in open_world(tmp_path_factory.mktemp("door")):
        world.send(*(LogLine(f"line {number}", at=NOW + number, attributes={"n": number}) for number in range(5)))
        world.send(*(SpanLine(f"s{number % 2}", trace="a", id=f"{number + 1}", at=NOW + number) for number in range(6)))
        secret = Path(world.store.engine.query.__self__._address.split("?")[0]).parent / "secret.csv"  # type: ignore[attr-defined]
        secret.write_text("hidden,1\n")
        yield world


GOOD = {
    "SELECT count() FROM spans": [[6]],
    "select count(*) from logs;": [[5]],
    "SELECT name, count() AS c FROM spans GROUP BY name ORDER BY name": [["s0", 3], ["s1", 3]],
    "SELECT body FROM logs WHERE attributes['n'] = '3' -- a comment": [["line 3"]],
    "SELECT /* hi */ sum(toInt64(attributes['n'])) FROM logs": [[10]],
    "WITH few AS (SELECT body FROM logs ORDER BY ts LIMIT 2) SELECT count() FROM few": [[2]],
    "WITH 2 AS two SELECT count() * two FROM logs": [[10]],
    "WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS x FROM a) SELECT x FROM b": [[2]],
    "SELECT s.name, l.body FROM spans AS s INNER JOIN logs AS l ON s.ts = l.ts ORDER BY s.ts LIMIT 1": [["s0", "line 0"]],
    "SELECT name FROM spans WHERE trace_id IN (SELECT trace_id FROM spans) ORDER BY ts LIMIT 1": [["s0"]],
    "SELECT count() FROM logs WHERE service IN ('orders', 'x')": [[5]],
    "SELECT count() FROM (SELECT 1 FROM spans UNION ALL SELECT 2 FROM logs)": [[11]],
    "SELECT 1 UNION ALL SELECT 2": [[1], [2]],
    "SELECT quantile(0.5)(duration_ns) > 0, countIf(status = 2), uniqExact(name) FROM spans": [[1, 0, 2]],
    "SELECT arrayMap(x -> x * 2, [1, 2]), if(1, 'a', 'b'), CAST('5' AS Int32), 5::String, toDate('2020-01-01') + INTERVAL 1 DAY": [
        [[2, 4], "a", 5, "5", "2020-01-02"]
    ],
    "SELECT CASE WHEN 1 = 1 THEN 'y' ELSE 'n' END, 1 BETWEEN 0 AND 2, NOT 1, 'a' LIKE '%a'": [["y", 1, 0, 1]],
    "SELECT row_number() OVER (PARTITION BY name ORDER BY ts) AS r FROM spans ORDER BY r DESC LIMIT 1": [[3]],
    "SELECT k FROM logs ARRAY JOIN mapKeys(attributes) AS k LIMIT 1": [["n"]],
    "SELECT number FROM numbers(3)": [[0], [1], [2]],
    "SELECT toStartOfFiveMinutes(ts) AS b, count() FROM logs GROUP BY b HAVING count() > 1 ORDER BY b WITH FILL LIMIT 1": None,
    "SELECT 'SELECT * FROM system.tables; DROP TABLE logs' AS t": [["SELECT * FROM system.tables; DROP TABLE logs"]],
    "SELECT `body` AS `the body` FROM logs ORDER BY ts LIMIT 1": [["line 0"]],
    "SELECT sumIf(1, 1), avgOrNull(1), argMax(1, 2), COUNT(*), Sum(1)": [[1, 1, 1, 1, 1]],
    "SELECT requests FROM requests_10s LIMIT 0": [],
    "SELECT DISTINCT service FROM spans EXCEPT SELECT 'x'": [["orders"]],
}


@pytest.mark.parametrize("statement", GOOD)
def test_what_users_need_works(filled: World, statement: str) -> None:
    """Ordinary analysis passes: aggregates, joins, sub-selects, CTEs, windows, lambdas, unions."""
    table = filled.desk.sql(statement)
    expected = GOOD[statement]
    assert expected is None or table.rows == expected
    assert not table.truncated


HOSTILE = [
    # other statements
    "DROP TABLE logs", "TRUNCATE TABLE logs", "INSERT INTO logs (body) VALUES ('x')", "INSERT INTO logs SELECT * FROM logs", "ALTER TABLE logs DELETE WHERE 1",
    "DELETE FROM logs WHERE 1", "CREATE TABLE t (a Int8) ENGINE = Memory", "CREATE TEMPORARY TABLE t (a Int8)", "CREATE FUNCTION f AS x -> x", "ATTACH TABLE t",
    "SYSTEM FLUSH LOGS", "SYSTEM SHUTDOWN", "KILL QUERY WHERE 1", "OPTIMIZE TABLE logs FINAL", "RENAME TABLE logs TO l", "SET max_threads = 1", "USE system",
    "SHOW TABLES", "SHOW CREATE TABLE logs", "DESCRIBE TABLE logs", "EXPLAIN SELECT 1", "EXPLAIN AST SELECT 1", "EXISTS TABLE logs", "GRANT ALL ON *.* TO x",
    "BACKUP TABLE logs TO Disk('x', 'y')", "CHECK TABLE logs", "DETACH TABLE logs", "EXCHANGE TABLES logs AND spans", "PARALLEL WITH SELECT 1",
    # several statements
    "SELECT 1; DROP TABLE logs", "SELECT 1;; SELECT 2", "SELECT 1) ; DROP TABLE logs; SELECT (1", "SELECT 1 /* ; */ ; /* */ DROP TABLE logs",
    "SELECT 1\n;\nSELECT * FROM system.users", "SELECT 1 -- x\n; DROP TABLE logs", ") UNION ALL SELECT * FROM (system.tables", "SELECT 1); DROP TABLE logs --",
    # output, settings, formats
    "SELECT 1 INTO OUTFILE '/tmp/x.csv'", "SELECT 1 INTO OUTFILE '/tmp/x.csv' TRUNCATE FORMAT CSV", "SELECT 1 FORMAT JSON", "SELECT 1 SETTINGS readonly = 0",
    "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)", "SELECT 1 FORMAT Null SETTINGS max_execution_time = 0",
    "WITH x AS (SELECT 1 SETTINGS allow_introspection_functions = 1) SELECT * FROM x",
    # other tables
    "SELECT * FROM system.tables", "SELECT * FROM `system`.`tables`", 'SELECT * FROM "system"."one"', "SELECT * FROM `system.tables`", "SELECT * FROM information_schema.tables",
    "SELECT * FROM INFORMATION_SCHEMA.TABLES", "SELECT * FROM default.logs", "SELECT (SELECT count() FROM system.tables)", "SELECT 1 WHERE 1 IN (SELECT 1 FROM system.one)",
    "SELECT 1 WHERE 'x' IN system.databases", "SELECT 1 WHERE 1 IN (system.one)", "SELECT 1 WHERE (1, 2) IN system.one", "SELECT 1 WHERE 1 NOT IN system.one",
    "SELECT 1 WHERE 1 GLOBAL IN system.one", "SELECT in(1, system.one)", "SELECT notIn(1, schema_migrations)", "SELECT nullIn(1, system.one)",
    "SELECT * FROM logs JOIN system.one ON 1", "SELECT * FROM logs, system.one", "SELECT 1 UNION ALL SELECT name FROM system.tables",
    "WITH x AS (SELECT * FROM system.tables) SELECT * FROM x", "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT dummy FROM system.one) SELECT * FROM x",
    "SELECT * FROM logs AS system JOIN system.one ON 1", "SELECT arrayJoin((SELECT groupArray(name) FROM system.tables))", "SELECT * FROM schema_migrations", "SELECT * FROM `logs (alias x)`",
    "WITH schema_migrations AS (SELECT 1) SELECT * FROM schema_migrations", "SELECT * FROM spans_to_nowhere", "SELECT * FROM resources_from_spans", "SELECT * FROM points",
    "SELECT * FROM logs UNION DISTINCT (SELECT 1 FROM (SELECT 2 FROM system.one))", "SELECT 1 EXCEPT SELECT 1 FROM system.one", "SELECT 1 INTERSECT SELECT 1 FROM system.one",
    "SELECT ts FROM logs PREWHERE ts IN (SELECT now() FROM system.one)", "SELECT 1 ORDER BY (SELECT 1 FROM system.one)", "SELECT 1 LIMIT (SELECT 1 FROM system.one)",
    "SELECT 1 GROUP BY (SELECT 1 FROM system.one)", "SELECT sum(1) OVER (ORDER BY (SELECT 1 FROM system.one))", "SELECT * FROM 'secret.csv'", 'SELECT * FROM "secret.csv"',
    "SELECT x -> (SELECT 1 FROM system.one)", "SELECT 1 QUALIFY (SELECT 1 FROM system.one)", "SELECT exists(SELECT 1 FROM system.one)",
    # table functions
    "SELECT * FROM file('/etc/passwd', 'LineAsString')", "SELECT * FROM url('http://localhost/', 'LineAsString')", "SELECT * FROM s3('http://x/y')",
    "SELECT * FROM remote('127.0.0.1', system.one)", "SELECT * FROM remoteSecure('127.0.0.1', system.one)", "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM clusterAllReplicas('default', system.one)", "SELECT * FROM executable('id', TabSeparated, 'x String')", "SELECT * FROM merge('system', '.*')",
    "SELECT * FROM merge('.*')", "SELECT * FROM view(SELECT * FROM system.one)", "SELECT * FROM viewIfPermitted(SELECT 1 ELSE null('x Int8'))",
    "SELECT * FROM loop(system.one)", "SELECT * FROM dictionary('x')", "SELECT * FROM mysql('h', 'd', 't', 'u', 'p')", "SELECT * FROM postgresql('h', 'd', 't', 'u', 'p')",
    "SELECT * FROM sqlite('/tmp/x.db', 't')", "SELECT * FROM jdbc('x', 'y')", "SELECT * FROM odbc('x', 'y')", "SELECT * FROM hdfs('x')", "SELECT * FROM input('x Int8')",
    "SELECT * FROM Python(x)", "SELECT * FROM mergeTreeIndex('default', 'logs')", "SELECT * FROM mergeTreeParts('default', 'logs')", "SELECT * FROM fuzzJSON('x')",
    "SELECT * FROM generateRandom('x Int8')", "SELECT * FROM format(CSV, '1')", "SELECT * FROM fileCluster('c', '/etc/passwd')", "SELECT * FROM azureBlobStorage('x')",
    "SELECT * FROM deltaLake('x')", "SELECT * FROM iceberg('x')", "SELECT * FROM redis('x')", "SELECT * FROM mongodb('x')", "SELECT * FROM timeSeriesSamples('x')",
    "SELECT * FROM (EXPLAIN SELECT * FROM system.one)", "SELECT * FROM (SHOW TABLES)", "SELECT * FROM (DESCRIBE logs)", "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))",
    "SELECT * FROM numbers(3) JOIN file('/etc/passwd') ON 1", "SELECT 1 WHERE 1 IN (SELECT * FROM file('/etc/passwd'))", "SELECT * FROM FILE('/etc/passwd')",
    # functions
    "SELECT file('/etc/passwd')", "SELECT dictGet('d', 'a', 1)", "SELECT dictGetOrNull('d', 'a', 1)", "SELECT dictHas('d', 1)", "SELECT joinGet('j', 'a', 1)", "SELECT joinGetOrNull('j', 'a', 1)",
    "SELECT sleep(1)", "SELECT sleepEachRow(1) FROM logs", "SELECT getSetting('max_threads')", "SELECT getServerSetting('x')", "SELECT getMacro('x')", "SELECT hasColumnInTable('system', 'one', 'dummy')",
    "SELECT currentUser()", "SELECT user()", "SELECT currentDatabase()", "SELECT DATABASE()", "SELECT version()", "SELECT hostName()", "SELECT hostname()", "SELECT FQDN()", "SELECT uptime()", "SELECT serverUUID()",
    "SELECT tcpPort()", "SELECT getServerPort('tcp')", "SELECT filesystemAvailable()", "SELECT addressToLine(1)", "SELECT demangle('x')", "SELECT logTrace('x')", "SELECT catboostEvaluate('x', 1)",
    "SELECT evalMLMethod(1)", "SELECT aiGenerate('x')", "SELECT AIGenerate('x')", "SELECT regionToName(1)", "SELECT formatRow('CSV', 1)", "SELECT finalizeAggregation(1)", "SELECT initializeAggregation('sum', 1)",
    "SELECT fuzzQuery('SELECT 1')", "SELECT showCertificate()", "SELECT globalVariable('version')", "SELECT @@version", "SELECT zookeeperSessionUptime()", "SELECT generateSerialID('x')", "SELECT queryID()",
    "SELECT sumMerge(CAST(unhex('00') AS AggregateFunction(sum, Int8)))", "SELECT CAST('x' AS AggregateFunction(sum, Int8))", "SELECT unhex('00')::AggregateFunction(sum, Int8)", "SELECT sumState(1)",
    "SELECT arrayMap(x -> dictGet('d', 'a', x), [1])", "SELECT arrayMap(x -> file(x), ['/etc/passwd'])", "SELECT if(0, file('x'), 1)", "SELECT FILE('/etc/passwd')", "SELECT `file`('/etc/passwd')",
    "SELECT unknown_function(1)", "SELECT _CAST(1, 'Int8')", "SELECT __getScalar('x')", "SELECT flameGraph(1)", "SELECT serverTimezone()", "SELECT nested(['a'], [1])", "SELECT structureToProtobufSchema('x Int8')",
    # shapes of names, transformers and other syntax
    "SELECT `a\nFunction file` FROM logs", "SELECT 1 AS `x\n  TableIdentifier logs`", "SELECT * APPLY(toString) FROM logs", "SELECT * APPLY(x -> file(x)) FROM logs", "SELECT COLUMNS('.*') APPLY(file) FROM logs",
    "SELECT * EXCEPT (body) FROM logs", "SELECT * REPLACE (file('x') AS body) FROM logs", "SELECT {x:String}", "SELECT * FROM {t:Identifier}", "SELECT \u0066\u0069\u006c\u0065('/etc/passwd')", "SELECT ﬁle('/etc/passwd')",
    "SELECT * FROM logs AS t, `t`.`x`", "SELECT * FROM `logs` . `x`", "", "   ", "-- nothing", "SELECT", "FROM system.one", "FROM system.one SELECT 1", "(SELECT 1 FROM system.one)", "SELECT 1\0", "\0", "VALUES (1)",
    "SELECT * FROM logs FINAL SAMPLE 1/10 SETTINGS x = 1", "SELECT 1 FROM system.`one`", "SELECT/**/1/**/FROM/**/system.one", "SELECT#x\n1 FROM system.one", "SELECT 1 FROM system . one",
]  # fmt: skip


@pytest.mark.parametrize("statement", HOSTILE, ids=lambda statement: repr(statement)[:60])
def test_nothing_reaches_beyond_the_telemetry_tables(filled: World, statement: str) -> None:
    """Every hostile statement is refused as the caller's mistake, before anything of it runs; the data stays as it was."""
    with pytest.raises(InvalidInput):
        filled.desk.sql(statement)


def test_nothing_was_changed(filled: World) -> None:
    """After all attempts the tables hold what they held."""
    for statement in HOSTILE[:60]:
        with pytest.raises(InvalidInput):
            filled.desk.sql(statement)
    assert filled.desk.sql("SELECT (SELECT count() FROM logs), (SELECT count() FROM spans)").rows == [[5, 6]]


def test_ids_come_back_in_hexadecimal(filled: World) -> None:
    """Binary ids are shown as digits, in the order that the statement states."""
    table = filled.desk.sql("SELECT trace_id, span_id, name FROM spans ORDER BY ts DESC LIMIT 2")
    assert table.columns == ["trace_id", "span_id", "name"]
    assert [row[:2] for row in table.rows] == [[trace_id("a"), "0" * 15 + "6"], [trace_id("a"), "0" * 15 + "5"]]


def test_rows_and_time_are_limited(filled: World) -> None:
    """More rows than the limit are cut and said so; a statement that runs too long is stopped."""
    table = filled.desk.sql("SELECT number FROM numbers(1000)", limit=10)
    assert (len(table.rows), table.truncated) == (10, True)
    assert not filled.desk.sql("SELECT number FROM numbers(10)", limit=10).truncated
    with pytest.raises((Timeout, LimitExceeded)):
        filled.desk.sql("SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 0", timeout_s=0.2)
    with pytest.raises((Timeout, LimitExceeded)):
        filled.desk.sql("SELECT groupArray(number) FROM numbers(10000000000)", timeout_s=30)
    for limit, timeout_s in ((0, 1.0), (100_001, 1.0), (1, 0.0), (1, 1000.0)):
        with pytest.raises(InvalidInput, match="must be"):
            filled.desk.sql("SELECT 1", limit=limit, timeout_s=timeout_s)


def test_statements_have_a_length(filled: World) -> None:
    """Endless and endlessly nested statements are refused."""
    with pytest.raises(LimitExceeded, match="characters"):
        filled.desk.sql("SELECT " + "1," * 20_000 + "1")
    with pytest.raises(TocsinError):
        filled.desk.sql("SELECT " + "(" * 5_000 + "1" + ")" * 5_000)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT * FROM system.tables", "table system.tables is refused"),
        ("SELECT file('x')", "function file is refused"),
        ("SELECT * FROM url('x')", "table function url is refused"),
        ("SELECT 1 FROM (SELECT 1 SETTINGS max_threads = 1)", "leave SETTINGS out"),
    ],
)
def test_a_refusal_says_what_and_what_to_do(filled: World, statement: str, said: str) -> None:
    """The message names the part that was refused."""
    with pytest.raises(InvalidInput, match=said):
        filled.desk.sql(statement)


@pytest.mark.parametrize("lines", [[], ["SelectQuery"] * 2, [" Function f"], ["A", "   B"], ["A (children 1)", " B", " C"], ["a b\n c"]])
def test_a_tree_that_does_not_add_up_is_refused(lines: list[str]) -> None:
    """Lines that a forged name would produce draw no tree."""
    with pytest.raises(InvalidInput):
        read_tree(lines)
