"""
From what one target said to a block of samples: its labels, the job's rules and limits, stale markers for what is gone, the report.

    answer -> reader -> (new series only) labels of the target, relabelling, limits, registry -> samples, definitions
           + stale markers of what the last durable block had and this one has not
           + up, scrape_duration_seconds, scrape_samples_*                                      -> SampleBlock -> journal

What is remembered between two blocks changes only when a block is durable: after a refusal by the journal the same definitions and stale
markers travel with the next one, so nothing is lost silently and nothing ends that goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.collect.bucket_limit import limit_buckets
from tocsin.collect.options import TargetsOptions
from tocsin.collect.relabel import relabel
from tocsin.collect.transport import Answer, ScrapeFailed
from tocsin.errors import LimitExceeded
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.sample_block import DAY_MS, SampleBlock, SeriesDefinition
from tocsin.model.series import STALE_NAN_BITS, Metadata
from tocsin.wire.prometheus.admission import SeriesRefusal
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.scraped import Fate, ReadOptions, Resolution, Resolve, Scraped

EXPORTED = "exported_"
REPORT_NAMES = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)

# A sample too old or too far ahead is left out, as in Prometheus; every other refusal fails the scrape.
_OF_ONE_SAMPLE = {SeriesRefusal.FUTURE, SeriesRefusal.PAST, SeriesRefusal.TIME_OUT_OF_RANGE}

# A scrape that fails anyway judges so many more series, so that it recovers at once when its fault goes; the rest waits until refused
# series are asked about again.
_JUDGED_AFTER_REFUSAL = 1000


class Reader(Protocol):
    """Reads the answers of one target; `tocsin.wire.prometheus.exposition.ExpositionReader`, or a test's fake."""

    def read(self, body: bytes, content_type: str, *, timestamp_ms: int) -> Scraped:
        """What an answer says; raises InvalidInput and leaves no trace if it does not parse."""
        ...

    def forget(self, series_ids: NDArray[np.uint64]) -> None:
        """Ask about these series again when they are seen."""
        ...


MakeReader: TypeAlias = Callable[[Resolve, ReadOptions], Reader]


@dataclass(frozen=True, slots=True)
class Report:
    """
    What a scrape says about itself.

    Args:
        up: Whether everything was taken.
        duration_s: From the request until its samples were laid out.
        scraped: Samples in the answer.
        post_relabel: Those that the rules kept.
        series_added: Series that were not in the answer before.
    """

    up: bool
    duration_s: float
    scraped: int = 0
    post_relabel: int = 0
    series_added: int = 0

    def values(self) -> list[float]:
        """Its numbers, in the order of REPORT_NAMES."""
        return [float(self.up), self.duration_s, float(self.scraped), float(self.post_relabel), float(self.series_added)]


@dataclass(frozen=True, slots=True)
class Taken:
    """
    What is taken of an answer, with what a failure found out.

    Args:
        scraped: Samples; None where nothing is taken.
        error: Why nothing is taken; empty otherwise.
        samples: Samples in the answer.
        post_relabel: Those that the rules kept.
        series_added: Series that were not in the answer before.
        left_out: Samples left out because of their time.
        note: What the list of targets shall show although everything is taken.
    """

    scraped: Scraped | None
    error: str = ""
    samples: int = 0
    post_relabel: int = 0
    series_added: int = 0
    left_out: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A block that is on its way, and what becomes true once it is durable."""

    block: SampleBlock
    live: NDArray[np.uint64]
    stale_markers: int


class TargetSeries:
    """
    The series of one target. Not for several threads at once.

    Args:
        labels: What all of them get.
        job: Rules and limits.
        registry: Limits and ids that all doors share.
        make_reader: Makes the reader of the target's answers.
        read_options: How they are read.
        honor_labels: Labels that the target gives win over its own.
        bucket_limit: Buckets of a native histogram, at most; 0: no limit.
    """

    def __init__(
        self,
        labels: Labels,
        job: TargetsOptions,
        *,
        registry: SeriesRegistry,
        make_reader: MakeReader,
        read_options: ReadOptions,
        honor_labels: bool = False,
        bucket_limit: int = 0,
    ) -> None:
        self._labels = dict(labels.pairs)
        self._job = job
        self._registry = registry
        self._honor_labels = honor_labels
        self._bucket_limit = bucket_limit
        self._track_explicit = read_options.track_timestamps_staleness
        self._reader = make_reader(self.resolve, read_options)
        self._report = tuple(Labels({**self._labels, METRIC_NAME: name}) for name in REPORT_NAMES)
        self._report_ids = np.zeros(0, np.uint64)
        self._generation = -1
        self._live = np.zeros(0, np.uint64)  # series of the last durable block that a stale marker must end
        self._pending: dict[tuple[int, int], SeriesDefinition] = {}
        self._excess = ""  # why scrapes fail while the answer has series that were refused; empty if they don't
        self._lost = np.zeros(0, np.uint64)  # series that the reader knows, whose definitions went with scrapes that failed for it
        self._refused = self._of_time = 0  # series that this reading refused: for a limit, for the time of their sample

    def take(self, answer: Answer, *, timestamp_ms: int) -> Taken:
        """
        Read an answer and hold it against the limits of the job.

        Args:
            answer: What the target said.
            timestamp_ms: The time of the scrape.

        Raises:
            InvalidInput: It does not parse, or a series of it has no name; nothing of it is taken.
        """
        noted = dict(self._pending)
        try:
            scraped = self._judged(answer, timestamp_ms)
        except Exception:
            self._pending = noted  # the reader forgot what it asked about, and will ask again
            raise
        counts = (scraped.samples_scraped, scraped.samples_post_relabel, scraped.series_added)
        if self._excess:
            self._drop_definitions(noted)
            return Taken(None, self._excess, *counts)
        limit = self._job.sample_limit
        if limit and scraped.samples_post_relabel > limit:
            return Taken(None, f"{scraped.samples_post_relabel} samples, more than the sample_limit of {limit}", *counts)
        if self._bucket_limit and scraped.histograms:
            try:
                scraped = replace(scraped, histograms=[limit_buckets(sample, self._bucket_limit) for sample in scraped.histograms])
            except LimitExceeded as error:
                return Taken(None, str(error), *counts)
        scraped, left_out = self._within_time(scraped)
        return Taken(scraped, "", *counts, left_out, answer.note)

    def draft(self, taken: Taken | None, report: Report, *, timestamp_ms: int) -> Draft:
        """
        The block of a scrape: its samples, stale markers, the report.

        Args:
            taken: What is taken; None, or without samples, after a failure: then all series end.
            report: What the scrape says about itself.
            timestamp_ms: The time of the scrape.
        """
        scraped = taken.scraped if taken is not None else None
        live = self._tracked(scraped, timestamp_ms)
        gone = self._gone(live)
        definitions = list(self._pending.values()) if scraped is not None else []
        report_ids, report_values, report_definitions = self._report_samples(report, timestamp_ms)
        stale = np.full(len(gone), STALE_NAN_BITS, np.uint64).view(np.float64)
        added = len(gone) + len(report_ids)
        times = np.full(added, timestamp_ms, np.int64)
        if scraped is None:
            ids, values = [gone, report_ids], [stale, report_values]
            block = SampleBlock(np.concatenate(ids), times, np.concatenate(values), report_definitions)
        else:
            block = SampleBlock(
                np.concatenate([scraped.series_ids, gone, report_ids]),
                np.concatenate([scraped.timestamps_ms, times]),
                np.concatenate([scraped.values, stale, report_values]),
                [*definitions, *report_definitions],
                scraped.histograms,
                scraped.exemplars,
            )
        return Draft(block, live, len(gone))

    def ending(self, *, timestamp_ms: int) -> Draft | None:
        """The block that ends all series of a target that is asked no more, its report included; None if there is nothing to end."""
        ids = np.concatenate([self._live, self._report_ids])
        if not len(ids):
            return None
        stale = np.full(len(ids), STALE_NAN_BITS, np.uint64).view(np.float64)
        block = SampleBlock(ids, np.full(len(ids), timestamp_ms, np.int64), stale)
        return Draft(block, np.zeros(0, np.uint64), len(ids))

    def confirm(self, draft: Draft) -> None:
        """The block is durable."""
        self._live = draft.live
        self._registry.confirm(draft.block.series)
        for definition in draft.block.series:
            self._pending.pop((definition.series_id, definition.day), None)

    def doubt(self, draft: Draft) -> None:
        """Nobody knows whether the block is durable: whatever it had must be ended later as if it were."""
        self._live = np.union1d(self._live, draft.live)

    def resolve(self, labels: Labels, metadata: Metadata | None, timestamp_ms: int) -> Resolution:
        """
        What becomes of a series that the reader has not seen: see `tocsin.wire.prometheus.scraped.Resolve`.

        What a limit refuses fails the scrape, but is an answer: the reader remembers it, so that the next scrape fails at no cost.

        Raises:
            ScrapeFailed: It has no name; the scrape fails.
        """
        if self._refused > _JUDGED_AFTER_REFUSAL:
            return Resolution(Fate.REFUSED)
        try:
            return self._resolution(labels, metadata, timestamp_ms)
        except LimitExceeded as error:
            self._excess = self._excess if self._refused else str(error)
            self._refused += 1
            return Resolution(Fate.REFUSED)

    def _resolution(self, labels: Labels, metadata: Metadata | None, timestamp_ms: int) -> Resolution:
        merged = attach(labels.pairs, self._labels, honor_labels=self._honor_labels)
        kept = relabel(merged, self._job.metric_relabel_configs) if self._job.metric_relabel_configs else merged
        if kept is None:
            return Resolution(Fate.DROPPED)
        final = Labels(kept)
        if not final.metric:
            raise ScrapeFailed(f"metric_relabel_configs leave {labels} without a name ({METRIC_NAME})")
        self._check_limits(final)
        same_name = final.metric == labels.metric
        admission = self._registry.admit(final, timestamp_ms, metadata=metadata if same_name else None)
        if admission.refusal in _OF_ONE_SAMPLE:
            self._of_time += 1
            return Resolution(Fate.REFUSED)
        if admission.refusal is not None:
            raise LimitExceeded(admission.message)
        self._note(admission.series_id, timestamp_ms, final)
        return Resolution(Fate.KEPT, admission.series_id, final.metric)

    def _note(self, identity: int, timestamp_ms: int, labels: Labels) -> None:
        day = timestamp_ms // DAY_MS
        if self._registry.definitions_needed(identity, day):
            self._pending[identity, day] = self._registry.definition(identity, day, labels)

    def _check_limits(self, labels: Labels) -> None:
        job = self._job
        if job.label_limit and len(labels) > job.label_limit:
            raise LimitExceeded(f"{labels} has {len(labels)} labels, more than the label_limit of {job.label_limit}")
        if not job.label_name_length_limit and not job.label_value_length_limit:
            return
        for name, value in labels:
            name_bytes, value_bytes = len(name.encode("utf-8", "surrogatepass")), len(value.encode("utf-8", "surrogatepass"))
            if job.label_name_length_limit and name_bytes > job.label_name_length_limit:
                raise LimitExceeded(
                    f"label {name} of {labels.metric} has {name_bytes} bytes, more than the label_name_length_limit"
                    f" of {job.label_name_length_limit}"
                )
            if job.label_value_length_limit and value_bytes > job.label_value_length_limit:
                raise LimitExceeded(
                    f"the value of label {name} of {labels.metric} has {value_bytes} bytes, more than the label_value_length_limit"
                    f" of {job.label_value_length_limit}"
                )

    def _judged(self, answer: Answer, timestamp_ms: int) -> Scraped:
        """
        Read an answer, and find out whether it has series that a limit refuses.

        When the last of them is gone, those are asked about once more whose definitions went with the scrapes that failed.
        """
        failed_before = bool(self._excess)
        scraped = self._counted(answer, timestamp_ms)
        if not failed_before or self._refused or scraped.refused > self._of_time:
            return scraped
        self._excess = ""
        if not len(self._lost):
            return scraped
        self._reader.forget(self._lost)
        self._lost = self._lost[:0]
        again = self._counted(answer, timestamp_ms)
        return replace(again, series_added=scraped.series_added, exemplars=scraped.exemplars)

    def _drop_definitions(self, noted: dict[tuple[int, int], SeriesDefinition]) -> None:
        """A target that fails for long must not keep the labels of all its series: only those stay pending that were so before."""
        lost = [identity for identity, day in self._pending if (identity, day) not in noted]
        self._lost = np.union1d(self._lost, np.array(lost, np.uint64))
        self._pending = noted

    def _counted(self, answer: Answer, timestamp_ms: int) -> Scraped:
        self._refused = self._of_time = 0
        return self._read(answer, timestamp_ms)

    def _read(self, answer: Answer, timestamp_ms: int) -> Scraped:
        """
        Read an answer; once per generation of the registry, say which series are still seen.

        Those that the registry forgot meanwhile (the target was down for hours) are asked about by reading the answer once more.
        """
        scraped = self._reader.read(answer.body, answer.content_type, timestamp_ms=timestamp_ms)
        generation = self._registry.generation
        if generation == self._generation:
            return scraped
        ids = _series_of(scraped)
        forgotten = ids[~self._registry.touch(ids)]
        if len(forgotten):
            self._reader.forget(forgotten)
            again = self._reader.read(answer.body, answer.content_type, timestamp_ms=timestamp_ms)
            scraped = replace(again, series_added=scraped.series_added, exemplars=scraped.exemplars)
        self._generation = generation
        return scraped

    def _within_time(self, scraped: Scraped) -> tuple[Scraped, int]:
        """Without the samples whose own times are too far off."""
        if not scraped.explicit.any():
            return scraped, 0
        earliest, latest = self._registry.window_ms()
        fits = (scraped.timestamps_ms >= earliest) & (scraped.timestamps_ms <= latest)
        left_out = int(len(fits) - fits.sum())
        if not left_out:
            return scraped, 0
        future = int((scraped.timestamps_ms > latest).sum())
        self._registry.count_refused(SeriesRefusal.FUTURE, future)
        self._registry.count_refused(SeriesRefusal.PAST, left_out - future)
        kept = replace(
            scraped,
            series_ids=scraped.series_ids[fits],
            timestamps_ms=scraped.timestamps_ms[fits],
            values=scraped.values[fits],
            explicit=scraped.explicit[fits],
        )
        return kept, left_out

    def _tracked(self, scraped: Scraped | None, timestamp_ms: int) -> NDArray[np.uint64]:
        """The series of an answer that get a stale marker when they are gone: those without times of their own, unless the job says so."""
        if scraped is None:
            return np.zeros(0, np.uint64)
        ids = scraped.series_ids if self._track_explicit or not scraped.explicit.any() else scraped.series_ids[~scraped.explicit]
        of_histograms = [sample.series_id for sample in scraped.histograms if self._track_explicit or sample.timestamp_ms == timestamp_ms]
        return np.concatenate([ids, np.array(of_histograms, np.uint64)]) if of_histograms else ids

    def _gone(self, live: NDArray[np.uint64]) -> NDArray[np.uint64]:
        # Most answers have exactly the series of the one before, in the same order: then nothing needs to be sorted.
        if np.array_equal(live, self._live):
            return np.zeros(0, np.uint64)
        return np.setdiff1d(self._live, live)

    def _report_samples(
        self, report: Report, timestamp_ms: int
    ) -> tuple[NDArray[np.uint64], NDArray[np.float64], Sequence[SeriesDefinition]]:
        values = np.array(report.values(), np.float64)
        if len(self._report_ids) < len(REPORT_NAMES) or not self._registry.touch(self._report_ids).all():
            admissions = [self._registry.admit(labels, timestamp_ms) for labels in self._report]
            self._report_ids = np.array([item.series_id if item.admitted else 0 for item in admissions], np.uint64)
        admitted = self._report_ids != 0
        day = timestamp_ms // DAY_MS
        definitions = [
            self._registry.definition(int(identity), day, labels)
            for identity, labels in zip(self._report_ids, self._report, strict=True)
            if identity and self._registry.definitions_needed(int(identity), day)
        ]
        ids = self._report_ids[admitted]
        self._report_ids = self._report_ids if admitted.all() else ids
        return ids, values[admitted], definitions


def _series_of(scraped: Scraped) -> NDArray[np.uint64]:
    """Those that are kept, of numbers and histograms."""
    return np.concatenate([scraped.series_ids, np.array([sample.series_id for sample in scraped.histograms], np.uint64)])


def attach(exposed: Sequence[tuple[str, str]], own: Mapping[str, str], *, honor_labels: bool) -> dict[str, str]:
    """
    The labels of a series with those of its target.

    With `honor_labels` what the target exposes wins, even an empty value; otherwise it is kept under `exported_` and its name.

    Args:
        exposed: Names with values as exposed; a value may be empty.
        own: Labels of the target.
        honor_labels: Who wins.
    """
    merged = dict(exposed)
    if honor_labels:
        for name, value in own.items():
            merged.setdefault(name, value)
        return {name: value for name, value in merged.items() if value}
    moved = sorted(((name, value) for name, value in merged.items() if value and name in own), key=lambda pair: (len(pair[0]), pair))
    merged.update(own)
    for name, value in moved:
        renamed = EXPORTED + name
        while merged.get(renamed):
            renamed = EXPORTED + renamed
        merged[renamed] = value
    return {name: value for name, value in merged.items() if value}
