"""
A test script as a list of commands.

    load 1m                                    # samples every minute from time 0
        up{job="api"} 1 1 _ 0
    eval instant at 2m sum(up)                 # or: eval range from 0 to 5m step 1m sum(up)
        expect no_warn
        {} 1

A command ends at an empty line, at a comment, at the next command, or where the file ends.
Source: Prometheus documentation, 'The PromQL test scripting language'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from tocsin.errors import InvalidInput, TocsinError
from tocsin.query.promql.numerals import parse_duration_ms
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import StringLiteral
from tocsin.query.series.notation import WrittenSeries, parse_series


@dataclass(frozen=True, slots=True)
class Clear:
    """Forget all samples."""

    line: int


@dataclass(frozen=True, slots=True)
class Load:
    """
    Add samples.

    Args:
        line: Where it stands, from 1.
        step_ms: Between samples.
        series: What to load.
        with_custom_buckets: Whether classic histograms are loaded as native ones with custom buckets, too.
    """

    line: int
    step_ms: int
    series: tuple[WrittenSeries, ...]
    with_custom_buckets: bool


class Topic(Enum):
    """What an expectation is about; the value is its word."""

    FAIL = "fail"
    WARN = "warn"
    INFO = "info"
    NO_WARN = "no_warn"
    NO_INFO = "no_info"
    ORDERED = "ordered"


@dataclass(frozen=True, slots=True)
class Expectation:
    """
    One `expect` line.

    Args:
        topic: What it is about.
        message: What a message must say exactly; None for any.
        pattern: What a message must contain as a regular expression; None for any.
    """

    topic: Topic
    message: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """Instants from `start_ms` to `end_ms`, inclusive, every `step_ms`."""

    start_ms: int
    end_ms: int
    step_ms: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """
    A query with what it must answer.

    Args:
        line: Where it stands, from 1.
        query: The text.
        time_ms: Of an instant query; None for a range query.
        grid: Of a range query; of an instant query, where `expect range vector` says what its answer's points are at.
        expectations: About messages and order.
        series: What it must answer, in the order written.
        scalar: What a scalar must be.
        text: What a string must be.
    """

    line: int
    query: str
    time_ms: int | None
    grid: Grid | None
    expectations: tuple[Expectation, ...] = ()
    series: tuple[WrittenSeries, ...] = ()
    scalar: float | None = None
    text: str | None = None

    def about(self, topic: Topic) -> list[Expectation]:
        """Expectations about a topic."""
        return [expectation for expectation in self.expectations if expectation.topic is topic]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A command that is none; `evaluates` says whether it began as `eval`."""

    line: int
    reason: str
    evaluates: bool


Command: TypeAlias = "Clear | Load | Evaluation | Unreadable"

_LOAD = re.compile(r"load(_with_nhcb)?\s+(\S+)")
# What begins a command even without an empty line before it; `load 5` may be a series of that name, `load 5m` may not.
_STARTS = re.compile(r"clear|load(_with_nhcb)?\s+\d+[a-z]\w*|eval(_[a-z]+)?\s+(instant|range)\s.*")
_EVAL = re.compile(r"eval(?:_(fail|warn|info|ordered))?\s+(instant|range)\s+(.*)", re.DOTALL)
_INSTANT = re.compile(r"(?:(?:at|@)\s+(\S+)\s+)?(.+)", re.DOTALL)
_RANGE = re.compile(r"from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+?)\s+(.+)", re.DOTALL)
_RANGE_VECTOR = re.compile(r"expect\s+range\s+vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)")
_EXPECT = re.compile(r"expect\s+([a-z_]+)\s*(?:(msg|regex)\s*:\s*(.*)|)")
_EXPECT_STRING = re.compile(r"expect\s+string\s+(.*)")
_FAILURE = re.compile(r"expected_fail_(message|regexp)\s+(.*)")
_SCALAR = re.compile(r"[+-]?(?:[iI]nf|[nN]a[nN]|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_SUFFIXES = {"fail": Topic.FAIL, "warn": Topic.WARN, "info": Topic.INFO, "ordered": Topic.ORDERED}


def read_script(text: str) -> list[Command]:
    """All commands of a script, in order; what cannot be read is among them as Unreadable."""
    commands: list[Command] = []
    for line, block in _blocks(text):
        try:
            commands.append(_command(line, block))
        except (TocsinError, ValueError, re.error) as error:
            commands.append(Unreadable(line, str(error), block[0].startswith("eval")))
    return commands


def _blocks(text: str) -> list[tuple[int, list[str]]]:
    """Commands with their lines and the number of the first one."""
    blocks: list[tuple[int, list[str]]] = []
    open_block = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            open_block = False
        elif open_block and not _STARTS.fullmatch(line):
            blocks[-1][1].append(line)
        else:
            blocks.append((number, [line]))
            open_block = line != "clear"
    return blocks


def _command(line: int, block: list[str]) -> Command:
    head, rest = block[0], block[1:]
    if head == "clear":
        return Clear(line)
    load = _LOAD.fullmatch(head)
    if load is not None:
        return Load(line, parse_time(load[2]), tuple(parse_series(written) for written in rest), load[1] is not None)
    evaluation = _EVAL.fullmatch(head)
    if evaluation is not None:
        return _evaluation(line, evaluation, rest)
    raise InvalidInput(f'expected load, clear or eval, found "{head[:200]}"')


def parse_time(text: str) -> int:
    """A time of a script, milliseconds: `1m30s`, `-5m`, or plain seconds."""
    negative = text.startswith("-")
    digits = text.lstrip("+-")
    try:
        ms = round(float(digits) * 1000)
    except ValueError:
        ms = parse_duration_ms(digits)
    return -ms if negative else ms


@dataclass
class _Expected:
    """What the lines below an `eval` say."""

    expectations: list[Expectation] = field(default_factory=list)
    series: list[WrittenSeries] = field(default_factory=list)
    scalar: float | None = None
    text: str | None = None
    grid: Grid | None = None

    def take(self, line: str) -> None:
        """Read one line."""
        grid, text = _RANGE_VECTOR.fullmatch(line), _EXPECT_STRING.fullmatch(line)
        failure, expect = _FAILURE.fullmatch(line), _EXPECT.fullmatch(line)
        if grid is not None:
            self.grid = Grid(*(parse_time(grid[index]) for index in (1, 2, 3)))
        elif text is not None:
            self.text = _literal(text[1])
        elif failure is not None:
            message, pattern = (failure[2], None) if failure[1] == "message" else (None, failure[2])
            self.expectations.append(Expectation(Topic.FAIL, message, pattern))
        elif expect is not None:
            message = _unquoted(expect[3]) if expect[2] is not None else None
            by_pattern = expect[2] == "regex"
            self.expectations.append(Expectation(Topic(expect[1]), None if by_pattern else message, message if by_pattern else None))
        elif _SCALAR.fullmatch(line):
            self.scalar = float(line)
        else:
            self.series.append(parse_series(line))


def _evaluation(line: int, found: re.Match[str], lines: list[str]) -> Evaluation:
    expected = _Expected()
    if found[1] is not None:
        expected.expectations.append(Expectation(_SUFFIXES[found[1]]))
    for written in lines:
        expected.take(written)
    time_ms, grid, query = _when(found[2], found[3])
    if expected.grid is not None:
        # The grid that an answer is expected on says when to ask, too.
        time_ms, grid = None if time_ms is None else expected.grid.end_ms, expected.grid
    return Evaluation(line, query, time_ms, grid, tuple(expected.expectations), tuple(expected.series), expected.scalar, expected.text)


def _when(kind: str, rest: str) -> tuple[int | None, Grid | None, str]:
    if kind == "instant":
        instant = _INSTANT.fullmatch(rest)
        if instant is None:
            raise InvalidInput(f'expected "eval instant at TIME QUERY", found "{rest[:200]}"')
        return parse_time(instant[1]) if instant[1] else 0, None, instant[2]
    between = _RANGE.fullmatch(rest)
    if between is None:
        raise InvalidInput(f'expected "eval range from TIME to TIME step TIME QUERY", found "{rest[:200]}"')
    grid = Grid(*(parse_time(between[index]) for index in (1, 2, 3)))
    if grid.step_ms <= 0 or grid.end_ms < grid.start_ms:
        raise InvalidInput(f'expected a range that ends after it starts, and a step above zero, found "{rest[:200]}"')
    return None, grid, between[4]


def _literal(text: str) -> str:
    """The value of a string as a query writes it; what is none is taken as it is."""
    try:
        value = parse(text)
    except TocsinError:
        return text
    return value.value if isinstance(value, StringLiteral) else text


def _unquoted(text: str) -> str:
    """Without quotes around it, if it has them; the messages of scripts are written either way."""
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`"
    return text[1:-1] if quoted else text
