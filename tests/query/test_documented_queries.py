"""docs/query-language.md: every example reads, every field is named, every message is the one that is given."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tocsin.errors import ParseError
from tocsin.model.instant import parse_duration_ns, parse_instant
from tocsin.model.telemetry import SPAN_KINDS, SPAN_STATUSES
from tocsin.query.conditions import REGEX_CHARACTERS_MAX
from tocsin.query.fields import LOG_FIELDS, LOG_SCOPES, SPAN_FIELDS, SPAN_SCOPES, parse_log_query, parse_span_query
from tocsin.query.lucene import CLAUSES_MAX, DEPTH_MAX
from tocsin.query.scan import QUERY_CHARACTERS_MAX
from tocsin.store.plan import Compare, Everything

PAGE = (Path(__file__).parents[2] / "docs" / "query-language.md").read_text(encoding="utf-8")
READERS = {"logs": parse_log_query, "traces": parse_span_query}
BLOCKS = re.findall(r"^```query(?: (logs|traces))?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [
    (signal or name, re.sub(r"\s{2,}# .*", "", line))  # what stands behind a # is said to the reader
    for signal, block in BLOCKS
    for name in READERS
    if signal in {"", name}
    for line in block.splitlines()
]
MISTAKES = re.findall(r"^\$ tocsin (logs|traces) ('.*')\nerror: (.*)$", PAGE, re.MULTILINE)


def cells(head: str) -> list[str]:
    """What stands as code in the first column of the table with that head."""
    table = PAGE.partition(f"\n| {head} |")[2].partition("\n\n")[0]
    rows = [re.split(r"(?<!\\)\|", line)[1] for line in table.splitlines()[2:]]
    assert rows, f"no table has the head {head}"
    return [code.replace("\\|", "|") for row in rows for code in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize(("signal", "query"), EXAMPLES)
def test_examples_read(signal: str, query: str) -> None:
    """Each line of a block of queries is one."""
    assert READERS[signal](query) != Everything()


@pytest.mark.parametrize("signal", READERS)
def test_forms_read(signal: str) -> None:
    """Each form in the table of forms is a query, for logs; for spans too, except that their status is no number."""
    forms = PAGE.partition("## Forms")[2].partition("\n## ")[0]
    first = [re.split(r"(?<!\\)\|", line)[1] for line in forms.splitlines() if line.startswith("| `")]
    queries = [code.replace("\\|", "|") for cell in first for code in re.findall(r"`([^`]+)`", cell)]
    assert len(queries) > 30
    for query in queries:
        if (signal, query) != ("traces", "status:200"):
            assert (READERS[signal](query) == Everything()) is (query == "*")


def test_every_field_is_explained() -> None:
    """The tables of fields and prefixes name what the code knows, and nothing else."""
    assert sorted(cells("logs")) == sorted(LOG_FIELDS)
    assert sorted(cells("spans")) == sorted(SPAN_FIELDS)
    assert sorted(cells("prefix")) == sorted({*LOG_SCOPES, *SPAN_SCOPES})


@pytest.mark.parametrize("word", [*SPAN_KINDS, *SPAN_STATUSES, "trace", "debug", "info", "warn", "error", "fatal"])
def test_every_name_of_a_value_is_there(word: str) -> None:
    """Kinds, statuses and levels can be read off the page."""
    assert f"`{word}`" in PAGE


def test_instants_and_lengths_read() -> None:
    """The forms of time are those that are understood, and so are the units of durations."""
    instants = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (`(?:now|\d{4}).*?) \|", PAGE, re.MULTILINE)))
    assert len(instants) == 8
    for text in instants:
        assert parse_instant(text, now=10**18) >= 0
    for unit in ("ms", "s", "m", "h", "d", "w"):
        assert parse_duration_ns(f"1{unit}")
    for unit in ("ns", "us"):
        assert isinstance(parse_span_query(f"duration:>1{unit}"), Compare)


@pytest.mark.parametrize(("signal", "quoted", "message"), MISTAKES)
def test_mistakes_are_answered_as_shown(signal: str, quoted: str, message: str) -> None:
    """The sentence on the page is the sentence that is given."""
    (query,) = shlex.split(quoted)
    with pytest.raises(ParseError) as caught:
        READERS[signal](query)
    assert str(caught.value) == message


def test_limits_are_the_codes() -> None:
    """The numbers at the end of the page are those that hold."""
    said = f"{QUERY_CHARACTERS_MAX:,} characters, {CLAUSES_MAX} conditions and {DEPTH_MAX} parentheses"
    assert said in PAGE
    assert f"a regular expression {REGEX_CHARACTERS_MAX} characters" in PAGE


def test_the_page_has_examples_and_mistakes() -> None:
    """A change of the page's form does not leave the tests above without work."""
    assert len(EXAMPLES) >= 15
    assert len(MISTAKES) >= 5
