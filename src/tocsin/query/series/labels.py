"""The labels behind series ids, kept once they are known: an id is made of its labels, so they never change."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.read_metrics import Chosen, Span, series_labels
from tocsin.store.sql import Sql

LISTED_MAX = 1_000  # more ids than that are not listed in a statement; it takes all that match instead


@dataclass(frozen=True, slots=True)
class KnownSeries:
    """What identifies a series, and whether its samples are increments (`delta`) rather than totals."""

    labels: Labels
    delta: bool


class LabelMemory:
    """
    Labels by series id, bounded.

    Args:
        engine: Where unknown ones are looked up.
        series_max: How many are kept; beyond, the half that came first is forgotten.
    """

    def __init__(self, engine: Engine, *, series_max: int) -> None:
        self._engine = engine
        self._series_max = series_max
        self._known: dict[int, KnownSeries] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, ids: NDArray[np.uint64], matching: Sql, span: Span, settings: Mapping[str, SettingValue]) -> list[KnownSeries | None]:
        """
        What is known of each id.

        Args:
            ids: [I] uint64.
            matching: A condition on `series_id` that all of them satisfy, for long lists.
            span: The range in which they were found.
            settings: For the statement.

        Returns:
            [I]; None where the series was dropped by retention since its id was found.
        """
        wanted = ids.tolist()
        known = self._known
        found: dict[int, KnownSeries] = {}
        missing = [one for one in wanted if one not in known]
        if missing:
            chosen = Chosen(ids=missing) if len(missing) <= LISTED_MAX else Chosen(matching=matching)
            found = self._look_up(chosen, span, settings)
            self._keep(found)
        return [found.get(one) or known.get(one) for one in wanted]

    def _look_up(self, chosen: Chosen, span: Span, settings: Mapping[str, SettingValue]) -> dict[int, KnownSeries]:
        body = self._engine.fetch(
            series_labels(chosen, span),
            output_format="JSONCompactEachRow",
            settings={**settings, "output_format_json_quote_64bit_integers": 0},
        )
        return {row[0]: _series(row) for row in map(orjson.loads, bytes(body).splitlines())}

    def _keep(self, found: dict[int, KnownSeries]) -> None:
        with self._lock:
            merged = {**self._known, **found}
            if len(merged) > self._series_max:
                merged = dict(list(merged.items())[-(self._series_max // 2) :])
            self._known = merged  # replaced, never changed: readers need no lock


def _series(row: Sequence[object]) -> KnownSeries:
    _, metric, labels, delta = row
    assert isinstance(labels, dict)
    pairs = labels if not metric else {**labels, METRIC_NAME: metric}
    return KnownSeries(Labels(pairs), bool(delta))
