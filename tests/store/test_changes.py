"""Numbers that say whether a table may have changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tocsin.store.migrations
from tocsin.store.changes import CHUNK_TABLES, FOLDING_TABLES, SERIES_TABLES, Changes

VIEW = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS \w+ TO (\w+) AS(.*?);\n", re.DOTALL)


def test_the_number_stays_until_something_is_written() -> None:
    """Writing to other tables leaves it; writing to one of them changes it for good."""
    changes = Changes()
    before = changes.number(CHUNK_TABLES)
    with changes.writing("series"):
        assert changes.number(CHUNK_TABLES) == before
    assert changes.number(CHUNK_TABLES) == before
    with changes.writing("chunks"):
        pass
    assert changes.number(CHUNK_TABLES) not in {before, None}


def test_there_is_no_number_while_something_is_written() -> None:
    """Whatever is learnt then may be wrong a moment later; also where writes overlap, and where one fails."""
    changes = Changes()
    first, second = changes.writing("chunks"), changes.writing("chunks")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert changes.number(CHUNK_TABLES) is None
    assert changes.number(FOLDING_TABLES) is not None
    second.__exit__(None, None, None)
    assert changes.number(CHUNK_TABLES) is not None
    with pytest.raises(OSError, match="full"), changes.writing("chunks"):
        raise OSError("full")
    assert changes.number(CHUNK_TABLES) is not None


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("ALTER TABLE samples MOVE PARTITION ID '7' TO TABLE samples_folding", FOLDING_TABLES),
        ("ALTER TABLE samples_folding DROP PARTITION ID '7'", FOLDING_TABLES),
        ("TRUNCATE TABLE chunks", CHUNK_TABLES),
        ("DELETE FROM series WHERE day < 5", SERIES_TABLES),
        ("sample_blocks (series_ids, values)", SERIES_TABLES),
    ],
)
def test_a_statement_writes_to_the_tables_that_it_names(statement: str, tables: frozenset[str]) -> None:
    """Whatever it does to them, and to no others."""
    changes = Changes()
    before = {watched: changes.number(watched) for watched in (SERIES_TABLES, FOLDING_TABLES, CHUNK_TABLES)}
    with changes.writing(statement):
        pass
    assert {watched for watched, number in before.items() if changes.number(watched) != number} == {tables}


@pytest.mark.parametrize("watched", [SERIES_TABLES, FOLDING_TABLES, CHUNK_TABLES])
def test_what_views_read_from_is_watched_too(watched: frozenset[str]) -> None:
    """A materialized view writes without being named: the table that it follows must be among those that are watched together."""
    folder = Path(next(iter(tocsin.store.migrations.__path__)))
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql")))
    views = VIEW.findall(text)
    assert len(views) > 10
    for target, body in views:
        sources = {name for name in re.findall(r"\bFROM (\w+)", body) if re.search(rf"TABLE IF NOT EXISTS {name}\b", text)}
        assert sources
        if target in watched:
            assert sources <= watched
