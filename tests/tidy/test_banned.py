"""What may be written only in one place, or nowhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.tidy.source import Module, modules, qualified_names, text_constants


@dataclass(frozen=True)
class Ban:
    """Names that match `pattern` are banned outside of `except_in` (module names, or rooms as `tocsin.room.*`)."""

    pattern: str
    instead: str
    except_in: tuple[str, ...] = ()


BANS = (
    Ban(r"time\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns)", "take a tocsin.clock.Clock", ("tocsin.clock",)),
    Ban(r"datetime\.(datetime\.(now|utcnow|today)|date\.today)", "take a tocsin.clock.Clock and use now_ns()", ("tocsin.clock",)),
    Ban(r"(random|secrets)\..*|os\.urandom|uuid\.uuid[14]", "take a tocsin.clock.Entropy and use token_hex()", ("tocsin.clock",)),
    # A demo service inherits its surroundings, less what would change the telemetry that it sends.
    Ban(r"os\.(environ|getenv|putenv)(\..*)?", "add an option in tocsin.app.options", ("tocsin.app.options", "tocsin.demo.system")),
    Ban(r"print|pprint\..*", "log, or return what the CLI shall show", ("tocsin.cli.*", "tocsin.demo.*")),
    Ban(
        r"subprocess\..*|os\.(system|popen)|asyncio\.create_subprocess_.*",
        "a server starts no programs",
        ("tocsin.cli.*", "tocsin.demo.*"),
    ),
    Ban(
        r"(sqlalchemy|alembic|psycopg|sqlite3)(\..*)?",
        "add a method to a repository in tocsin.state",
        ("tocsin.state.*", "tocsin.demo.*"),  # a shop of the demo has databases of its own
    ),
    Ban(r"pickle\..*|marshal\..*|shelve\..*|eval|exec", "use JSON or protobuf: data must not become code"),
)

SQL = re.compile(
    r"\bSELECT\b[\s\S]+\bFROM\b|\bINSERT INTO\b|\b(CREATE|DROP|ALTER|TRUNCATE)\s+(OR REPLACE )?(TABLE|DATABASE|MATERIALIZED VIEW|VIEW)\b"
)
SQL_ROOMS = {
    "store": "where ClickHouse SQL lives",
    "demo": "its services are a shop with SQLite databases of its own, not a part of the server",
}

STATUS_MODULE = "tocsin.api.errors"
STATUS_ROOMS = {"demo": "its services are a shop that answers its own customers"}


@pytest.mark.parametrize("ban", BANS, ids=lambda ban: ban.pattern)
def test_banned_names_are_not_used(ban: Ban) -> None:
    """Time, chance, environment, output, processes and the relational database come from where tests can replace them."""
    pattern = re.compile(ban.pattern)
    wrong = [
        f"{module.shown}:{line}: {name}"
        for module in modules()
        if not _excepted(module, ban.except_in)
        for line, name in sorted(set(qualified_names(module.tree)))
        if pattern.fullmatch(name)
    ]
    assert not wrong, "\n".join([*wrong, f"instead: {ban.instead}"])


def test_sql_lives_in_the_store() -> None:
    """No other room writes a statement."""
    wrong = [
        f"{module.shown}:{line}: {text[:60]!r}"
        for module in modules()
        if module.room not in SQL_ROOMS
        for line, text in text_constants(module.tree)
        if SQL.search(text)
    ]
    assert not wrong, "\n".join([*wrong, "write a function in tocsin.store that returns this statement as Sql"])


def test_status_numbers_live_in_one_module() -> None:
    """Which HTTP status an error has is said in tocsin.api.errors alone."""
    wrong = [
        f"{module.shown}:{line}: {what}"
        for module in modules()
        if module.name != STATUS_MODULE and module.room not in STATUS_ROOMS
        for line, what in _statuses(module.tree)
    ]
    assert not wrong, "\n".join([*wrong, f"raise an error of the tree in tocsin.errors, or take the number from {STATUS_MODULE}"])


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("from time import time as now\nnow()", "time.time"),
        ("import datetime as dt\ndt.datetime.now(dt.UTC)", "datetime.datetime.now"),
        ("import os.path\nos.environ['HOME']", "os.environ"),
        ("print(1)", "print"),
    ],
)
def test_names_are_seen_through_aliases(code: str, name: str) -> None:
    """However a name is imported, it is found, so that silence means absence."""
    assert name in {found for _, found in qualified_names(ast.parse(code))}


def test_statements_are_seen_in_fstrings_but_not_in_docstrings() -> None:
    """A statement is found when it is put together, and a docstring may speak of one."""
    tree = ast.parse('def f():\n    "SELECT a FROM b"\n    return f"SELECT {a} FROM b"')
    assert [text for _, text in text_constants(tree) if SQL.search(text)] == ["SELECT {} FROM b"]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("Response(status_code=404)", "status_code=404"),
        ("send({'type': 'http.response.start', 'status': 200})", "'status': 200"),
        ("from http import HTTPStatus\nHTTPStatus.OK", "http.HTTPStatus.OK"),
    ],
)
def test_status_numbers_are_seen(code: str, found: str) -> None:
    """Each way of writing a status number is found."""
    assert [what for _, what in _statuses(ast.parse(code))] == [found]


def _excepted(module: Module, exceptions: tuple[str, ...]) -> bool:
    return any(module.name == name or (name.endswith(".*") and f"{module.name}.".startswith(name[:-1])) for name in exceptions)


def _statuses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in {"status_code", "status"} and _is_number(node.value):
            yield node.value.lineno, f"{node.arg}={ast.unparse(node.value)}"
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "status" and _is_number(value):
                    yield value.lineno, f"'status': {ast.unparse(value)}"
    for line, name in qualified_names(tree):
        if re.fullmatch(r"http\.HTTPStatus\..*|(starlette|fastapi)\.status\..*", name):
            yield line, name


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int
