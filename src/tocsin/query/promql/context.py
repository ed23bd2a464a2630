"""What every part of one evaluation shares: where series come from, how much it may cost, what it has to remark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tocsin.clock import Clock
from tocsin.errors import LimitExceeded, Timeout
from tocsin.model.series import Matcher, SeriesBatch, SeriesSource
from tocsin.query.promql.grid import NAME_ALONE, NAME_TYPE_AND_UNIT, Floats, Grid, Steps, merged
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.remarks import AnnotationCollector
from tocsin.query.promql.samples import with_known_resets
from tocsin.query.promql.shared_room import Reservation
from tocsin.query.promql.syntax import Expression, Paren, StringLiteral

Value: TypeAlias = "Grid | Floats | str"
Evaluate: TypeAlias = "Callable[[Context, Expression, Steps], Value]"

# Below this many samples a second thread costs more than it saves.
PARALLEL_SAMPLES_MIN = 100_000


@dataclass(frozen=True, slots=True)
class Question:
    """
    What was asked.

    Args:
        text: The query; empty when only a tree is known.
        steps: Of the whole query.
        end_ms: The end that was asked for, which the last step may not reach.
        lookback_ms: After how long a series without samples has no value.
        deadline_s: When to give up, on the clock's monotonic scale.
        timeout_s: The same as a length, for the message.
        instant: Whether it is an instant query: one step, and an order.
    """

    text: str
    steps: Steps
    end_ms: int
    lookback_ms: int
    deadline_s: float
    timeout_s: float
    instant: bool


class Context:
    """
    One evaluation.

    Args:
        source: Where series come from.
        options: Limits and switches.
        clock: For the deadline.
        question: What was asked.
        evaluate: Evaluates any expression; passed in because functions need it for their arguments.
        pool: Threads for the halves of large selections.
        reservation: Its share of the room that all queries have.
    """

    def __init__(
        self,
        source: SeriesSource,
        options: PromqlOptions,
        clock: Clock,
        question: Question,
        evaluate: Evaluate,
        pool: ThreadPoolExecutor,
        reservation: Reservation,
    ) -> None:
        self.options = options
        self.question = question
        self.annotations = AnnotationCollector(question.text)
        self.samples_read = 0
        self.cells_held = 0
        self.invariant: dict[int, bool] = {}
        # Whether histograms read from now on are asked for their counts and sums alone.
        self.counts_alone = False
        self.metadata_labels = NAME_TYPE_AND_UNIT if options.type_and_unit_labels else NAME_ALONE
        self._source = source
        self._clock = clock
        self._evaluate = evaluate
        self._pool = pool
        self._reservation = reservation

    def value(self, node: Expression, steps: Steps) -> Value:
        """The value of an expression of any type but a range."""
        self.check_time()
        self.check_room(steps.count)
        before = self.cells_held
        value = self._evaluate(self, node, steps)
        self.cells_held = before
        if isinstance(value, Grid):
            self.hold(value.values.size)
        self.check_time()
        return value

    def vector(self, node: Expression, steps: Steps) -> Grid:
        """The value of an expression that is a vector; the parser has made sure of it."""
        value = self.value(node, steps)
        assert isinstance(value, Grid), f"{type(node).__name__} is no vector"
        return value

    def vector_for(self, node: Expression, steps: Steps, *, counts_alone: bool) -> Grid:
        """The vector, of whose histograms counts and sums alone are wanted, or buckets too."""
        before = self.counts_alone
        self.counts_alone = counts_alone
        try:
            return self.vector(node, steps)
        finally:
            self.counts_alone = before

    def scalar(self, node: Expression, steps: Steps) -> Floats:
        """[T] the value of an expression that is a scalar."""
        value = self.value(node, steps)
        assert isinstance(value, np.ndarray), f"{type(node).__name__} is no scalar"
        return value

    def check_time(self) -> None:
        """
        Go on only while there is time.

        Raises:
            Timeout: There is not.
        """
        if self._clock.monotonic_s() > self.question.deadline_s:
            raise Timeout(f"query timed out in expression evaluation: it took longer than {self.question.timeout_s:g} s")

    def hold(self, cells: int) -> None:
        """
        Account for cells that are held from now on.

        Raises:
            LimitExceeded: Together they are too many.
        """
        self.cells_held += cells
        self._check_held(0)

    def check_room(self, cells: int) -> None:
        """
        Before so many cells are made: is there room for them?

        Raises:
            LimitExceeded: There is not.
        """
        self._check_held(cells)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Iterator[SeriesBatch]:
        """Matching series with their samples from `start_ms` to `end_ms`, both inclusive; one batch is held at a time."""
        room = max(1, self.options.samples_read_max - self.samples_read)
        for batch in self._source.select(matchers, start_ms, end_ms, samples_max=room):
            samples = int(batch.timestamps_ms.size) + sum(len(points.points) for points in batch.histograms.values())
            self.samples_read += samples
            self._check_held(samples)
            yield with_known_resets(batch) if self.counts_alone else batch
            self.check_time()

    def in_halves(self, work: Callable[[int, int], object], rows: int, samples: int) -> None:
        """
        Run `work(first, last)` over all rows, on two threads where that pays.

        Args:
            work: Does the rows first to last; must leave the others alone.
            rows: How many there are.
            samples: How much there is to do.
        """
        if samples < PARALLEL_SAMPLES_MIN or rows < 2:
            work(0, rows)
            return
        other = self._pool.submit(work, rows // 2, rows)
        work(0, rows // 2)
        other.result()

    def nameless(self, grid: Grid) -> Grid:
        """The same without names (and types and units), as most operations leave it; at the end only if that is switched on."""
        if self.options.delayed_name_removal:
            return Grid(
                grid.raw, grid.values, grid.present, grid.histograms, grid.nameless, np.ones(grid.height, dtype=np.bool_), grid.one_name
            )
        if grid.nameless == self.metadata_labels:
            return grid
        bare = Grid(grid.raw, grid.values, grid.present, grid.histograms, self.metadata_labels, None, grid.one_name)
        return bare if grid.one_name and self.metadata_labels == NAME_ALONE else merged(bare)

    def _check_held(self, more: int) -> None:
        cells = self.cells_held + more
        if cells > self.options.samples_max:
            raise LimitExceeded(
                "query processing would load too many samples into memory in query execution: "
                f"at most {self.options.samples_max} (option promql.samples_max); narrow the selectors or the range"
            )
        if self._reservation.needs(cells):
            self._reservation.grow(cells, wait_s=self.question.deadline_s - self._clock.monotonic_s())


def unwrapped(node: Expression) -> Expression:
    """What stands inside of parentheses."""
    while isinstance(node, Paren):
        node = node.expression
    return node


def literal_text(node: Expression) -> str:
    """A string argument."""
    inner = unwrapped(node)
    assert isinstance(inner, StringLiteral), "the parser takes only literals as strings"
    return inner.value
