"""
Which series there are: the limits on their number that all Prometheus doors share, and which of them the store knows already.

    labels -> well formed? -> time within bounds? -> known? -> room in all, for the job, for the metric? -> Admission

A door asks for every series once, and keeps the answer in a table of its own; from then on it says `touch` once per generation for those
that it still sees. A generation lasts `active_s`; who was seen neither in this one nor in the one before stops counting, and is forgotten.

Costs 28 bytes a slot, 50 to 120 bytes per active series, whatever its labels are: those are not kept.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tocsin.clock import Clock
from tocsin.model.instant import INSTANT_MAX
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.sample_block import SeriesDefinition, series_id
from tocsin.model.series import Metadata
from tocsin.wire.options import DoorOptions
from tocsin.wire.prometheus.admission import Admission, CardinalityReport, RegistryStatistics, SeriesRefusal
from tocsin.wire.prometheus.options import CardinalityOptions
from tocsin.wire.prometheus.series_rows import NO_DAY, NameTally, SeriesRows
from tocsin.wire.prometheus.slots import LOAD_MAX, find_slots
from tocsin.wire.screen import Window

NANOSECONDS_PER_MS = 1_000_000
FAMILY_SUFFIXES = ("_bucket", "_count", "_sum", "_total", "_info", "_created")


class SeriesRegistry:
    """
    Admits series. Safe to use from several threads.

    Args:
        options: Limits.
        clock: Times generations, and says how far ahead a sample lies.
        times: Bounds on times of samples, those of every other door.
    """

    def __init__(self, options: CardinalityOptions | None = None, *, clock: Clock, times: DoorOptions | None = None) -> None:
        self.options = options or CardinalityOptions()
        self._times = times or DoorOptions()
        self._clock = clock
        self._lock = threading.Lock()
        self._table = SeriesRows(0)
        self._metrics = NameTally()
        self._jobs = NameTally()
        self._metadata: dict[str, Metadata] = {}
        self._refused: Counter[str] = Counter()
        self._series = self._admitted = self._expired = 0
        self._generation = 0
        self._turn_s = clock.monotonic_s() + self.options.active_s

    @property
    def generation(self) -> int:
        """The present generation; turns it when it is due. A door touches what it saw last in another one."""
        with self._lock:
            return self._turn()

    def window_ms(self) -> tuple[int, int]:
        """The earliest and the latest time of a sample that is taken now, milliseconds since 1970-01-01 UTC, both included."""
        window = Window.around(self._clock.now_ns(), self._times)
        return -(-window.earliest // NANOSECONDS_PER_MS), window.latest // NANOSECONDS_PER_MS

    def admit(self, labels: Labels, timestamp_ms: int, *, metadata: Metadata | None = None) -> Admission:
        """
        Judge a series with the time of a sample of it; one that is admitted counts as seen now.

        Args:
            labels: As they are to be stored, with `__name__`. Whoever parses them refuses names that come twice: `Labels` can't hold them.
            timestamp_ms: Of the sample, milliseconds since 1970-01-01 UTC.
            metadata: What its sender says of the metric, if it does; it travels in definitions made after this.
        """
        refusal, message = self._flaw(labels)
        if refusal is None:
            earliest, latest = self.window_ms()
            if not earliest <= timestamp_ms <= latest:
                refusal, message = self.time_flaw(timestamp_ms)
        if refusal is not None:
            self.count_refused(refusal)
            return Admission(0, refusal, message)
        identity = series_id(labels) or 1
        metric, job = labels.metric, labels.get("job")
        with self._lock:
            generation = self._turn()
            slot = self._table.find(identity)
            if slot < 0:
                refusal, message = self._excess(metric, job)
                if refusal is not None:
                    self._refused[refusal.value] += 1
                    return Admission(identity, refusal, message)
                slot = self._add(identity, metric, job)
            self._table.generation[slot] = generation
            if metadata is not None:
                self._remember(metadata)
        return Admission(identity)

    def touch(self, series_ids: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """
        Say that series were seen now.

        Args:
            series_ids: [S] of series that were admitted.

        Returns:
            [S] which of them are still known; the others must be admitted again.
        """
        with self._lock:
            generation = self._turn()
            slots = find_slots(self._table.keys, series_ids)
            known = slots >= 0
            self._table.generation[slots[known]] = generation
        return known

    def definitions_needed(self, identity: int, day: int) -> bool:
        """Whether the labels of a series must travel with its samples of a day (days since 1970-01-01 UTC)."""
        with self._lock:
            slot = self._table.find(identity)
            return slot < 0 or day not in {int(self._table.day[slot]), int(self._table.day_before[slot])}

    def definition(self, identity: int, day: int, labels: Labels) -> SeriesDefinition:
        """The labels of a series with what is known of its metric."""
        known = self.metadata(labels.metric)
        if known is None:
            return SeriesDefinition(identity, day, labels)
        return SeriesDefinition(identity, day, labels, known.type, known.help, known.unit)

    def confirm(self, definitions: Iterable[SeriesDefinition]) -> None:
        """These definitions are durable: they need not travel again. Two days per series are remembered, so that midnight costs once."""
        with self._lock:
            table = self._table
            for definition in definitions:
                slot = table.find(definition.series_id)
                if slot >= 0 and definition.day not in {int(table.day[slot]), int(table.day_before[slot])}:
                    table.day_before[slot] = table.day[slot]
                    table.day[slot] = definition.day

    def describe(self, *said: Metadata) -> NDArray[np.uint64]:
        """
        Remember what a sender says of metrics (or of families of metrics).

        Returns:
            [S] series that were defined while nothing was known of theirs: their definitions are needed again.
        """
        with self._lock:
            numbers: list[int] = []
            for metadata in said:
                # Only once: two senders that contradict each other would have the labels of all its series travel for ever.
                is_new = metadata.metric not in self._metadata
                self._remember(metadata)
                if is_new and metadata.metric in self._metadata:
                    names = (metadata.metric, *(metadata.metric + suffix for suffix in FAMILY_SUFFIXES))
                    numbers += [number for name in names if (number := self._metrics.numbers.get(name)) is not None]
            if not numbers:
                return np.zeros(0, np.uint64)
            table = self._table
            rows = np.flatnonzero((table.keys != 0) & np.isin(table.metric, numbers) & (table.day != NO_DAY))
            table.day[rows] = table.day_before[rows] = NO_DAY
            return table.keys[rows]

    def metadata(self, metric: str) -> Metadata | None:
        """What is known of a metric, by its own name or that of its family (`requests` for `requests_bucket`)."""
        if (known := self._metadata.get(metric)) is not None:
            return known
        for suffix in FAMILY_SUFFIXES:
            if metric.endswith(suffix) and (known := self._metadata.get(metric.removesuffix(suffix))) is not None:
                return known
        return None

    def time_flaw(self, timestamp_ms: int) -> tuple[SeriesRefusal, str]:
        """Why a time outside of the window is refused, and what to do."""
        times, now_ms = self._times, self._clock.now_ns() // NANOSECONDS_PER_MS
        if not 0 <= timestamp_ms <= INSTANT_MAX // NANOSECONDS_PER_MS:
            return SeriesRefusal.TIME_OUT_OF_RANGE, f"time {timestamp_ms} is not milliseconds since 1970 before 2262-04-12; check the unit"
        if timestamp_ms > now_ms:
            return SeriesRefusal.FUTURE, (
                f"time {timestamp_ms} ms is {(timestamp_ms - now_ms) // 1000} s ahead of the receiver's clock; "
                f"at most {times.future_s_max} s are taken: set the sender's clock right or raise option wire.door.future_s_max"
            )
        return SeriesRefusal.PAST, (
            f"time {timestamp_ms} ms is {(now_ms - timestamp_ms) // 1000} s old; at most {times.past_s_max} s are taken: "
            "raise option wire.door.past_s_max"
        )

    def count_refused(self, refusal: SeriesRefusal, count: int = 1) -> None:
        """Count what a door refused without asking."""
        with self._lock:
            self._refused[refusal.value] += count

    def statistics(self) -> RegistryStatistics:
        """Gauges of the moment and counts since start."""
        with self._lock:
            self._turn()
            return RegistryStatistics(
                series=self._series,
                series_max=self.options.series_max,
                metrics=len(self._metrics.names),
                jobs=len(self._jobs.names),
                admitted=self._admitted,
                expired=self._expired,
                refused=dict(self._refused),
                table_bytes=self._table.size_bytes,
            )

    def report(self, limit: int = 20) -> CardinalityReport:
        """What costs the most: at most `limit` metrics and `limit` jobs."""
        with self._lock:
            self._turn()
            return CardinalityReport(
                series=self._series,
                series_max=self.options.series_max,
                metrics=self._metrics.largest(limit, self.options.series_per_metric_max),
                jobs=self._jobs.largest(limit, self.options.series_per_job_max),
                refused=dict(self._refused),
            )

    def _flaw(self, labels: Labels) -> tuple[SeriesRefusal | None, str]:
        """What is wrong with labels, whatever others there are."""
        options = self.options
        if not labels.metric:
            return SeriesRefusal.METRIC_NAME, f"a series needs a label {METRIC_NAME} that is not empty; found {_shown(labels)}"
        if len(labels) > options.labels_max:
            return SeriesRefusal.LABELS_MAX, (
                f"{labels.metric} has {len(labels)} labels; at most {options.labels_max} are taken (labels_max), found {_shown(labels)}"
            )
        for name, value in labels.pairs:
            if not name:
                return SeriesRefusal.LABEL_NAME, f"a label of {labels.metric} has no name; its value is {value[:80]!r}"
            if name.isascii() and value.isascii():  # nearly always, and looking is ten times as fast as encoding
                name_bytes, value_bytes = len(name), len(value)
            else:
                try:
                    name_bytes, value_bytes = len(name.encode()), len(value.encode())
                except UnicodeEncodeError:
                    return SeriesRefusal.NOT_UTF8, f"label {name[:80]!r} of {labels.metric[:80]!r} is not valid UTF-8"
            if name_bytes > options.name_bytes_max or (name == METRIC_NAME and value_bytes > options.name_bytes_max):
                found = max(name_bytes, value_bytes if name == METRIC_NAME else 0)
                return SeriesRefusal.NAME_TOO_LONG, (
                    f"a name of {labels.metric[:80]} has {found} bytes; at most {options.name_bytes_max} are taken (name_bytes_max)"
                )
            if value_bytes > options.value_bytes_max:
                return SeriesRefusal.VALUE_TOO_LONG, (
                    f"label {name} of {labels.metric} has a value of {value_bytes} bytes; "
                    f"at most {options.value_bytes_max} are taken (value_bytes_max)"
                )
        return None, ""

    def _excess(self, metric: str, job: str) -> tuple[SeriesRefusal | None, str]:
        """Which limit one more series would break."""
        options = self.options
        if self._series >= options.series_max:
            return SeriesRefusal.SERIES_MAX, (
                f"there are {self._series} active series, as many as series_max allows; drop labels at the sender, or raise it"
            )
        if self._jobs.count(job) >= options.series_per_job_max:
            self._jobs.refuse(job)
            return SeriesRefusal.SERIES_PER_JOB_MAX, (
                f"job {job!r} has {self._jobs.count(job)} active series, as many as series_per_job_max allows; "
                "drop labels at the sender, or raise it"
            )
        if self._metrics.count(metric) >= options.series_per_metric_max:
            self._metrics.refuse(metric)
            return SeriesRefusal.SERIES_PER_METRIC_MAX, (
                f"metric {metric} has {self._metrics.count(metric)} active series, as many as series_per_metric_max allows; "
                "drop labels at the sender, or raise it"
            )
        return None, ""

    def _add(self, identity: int, metric: str, job: str) -> int:
        if self._series + 1 > len(self._table.keys) * LOAD_MAX:
            self._table = self._table.kept(self._table.keys != 0)
        slot = self._table.add(identity)
        self._table.metric[slot] = self._metrics.add(metric)
        self._table.job[slot] = self._jobs.add(job)
        self._series += 1
        self._admitted += 1
        return slot

    def _remember(self, metadata: Metadata) -> None:
        options = self.options
        is_full = len(self._metadata) >= options.metadata_max and metadata.metric not in self._metadata
        if is_full or len(metadata.metric) > options.name_bytes_max:
            return
        help_text, unit = metadata.help[: options.help_bytes_max], metadata.unit[: options.name_bytes_max]
        self._metadata[metadata.metric] = Metadata(metadata.metric, metadata.type, help_text, unit)

    def _turn(self) -> int:
        """The present generation; a new one forgets who was not seen in the last two."""
        now_s = self._clock.monotonic_s()
        if now_s < self._turn_s:
            return self._generation
        passed = 1 + int((now_s - self._turn_s) // self.options.active_s)
        self._turn_s += passed * self.options.active_s
        self._generation += passed
        table = self._table
        kept = (table.keys != 0) & (table.generation >= self._generation - 1)
        self._expired += self._series - int(kept.sum())
        self._table = table = table.kept(kept)
        rows = np.flatnonzero(table.keys != 0)
        self._series = len(rows)
        table.metric[rows] = self._metrics.prune(table.metric[rows])
        table.job[rows] = self._jobs.prune(table.job[rows])
        return self._generation


def _shown(labels: Labels) -> str:
    text = repr(labels)
    return text if len(text) <= 200 else text[:200] + "..."
