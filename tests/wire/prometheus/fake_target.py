"""A target for tests of readers: it resolves series as they are exposed, writes down who was asked, says what was read in plain words."""

from __future__ import annotations

from collections.abc import Callable

from tocsin.model.labels import Labels
from tocsin.model.sample_block import series_id
from tocsin.model.series import Metadata
from tocsin.wire.prometheus.exposition import ExpositionReader
from tocsin.wire.prometheus.scraped import Fate, ReadOptions, Resolution, Scraped

TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
NOW_MS = 1_790_000_010_000
DAY_MS = 86_400_000


class FakeTarget:
    """
    One target with its reader.

    Args:
        content_type: Of its answers.
        options: How they are read.
        judge: Says what becomes of a series; keeps every one without it.
    """

    def __init__(
        self, content_type: str = TEXT, options: ReadOptions | None = None, *, judge: Callable[[Labels], Fate] = lambda _: Fate.KEPT
    ) -> None:
        self.asked: list[str] = []
        self.metadata: dict[str, Metadata | None] = {}
        self.judge = judge
        self._content_type = content_type
        self._names: dict[int, str] = {}
        self.reader = ExpositionReader(self._resolve, options)

    def scrape(self, body: str | bytes, *, now_ms: int = NOW_MS) -> Scraped:
        """Read an answer."""
        return self.reader.read(body.encode() if isinstance(body, str) else body, self._content_type, timestamp_ms=now_ms)

    def samples(self, body: str | bytes, *, now_ms: int = NOW_MS) -> list[tuple[str, float]]:
        """Read an answer; its samples in order: the series as text, the value."""
        scraped = self.scrape(body, now_ms=now_ms)
        return [(self.name(int(identity)), float(value)) for identity, value in zip(scraped.series_ids, scraped.values, strict=True)]

    def name(self, identity: int) -> str:
        """The labels behind a series id, as text."""
        return self._names[identity]

    def _resolve(self, labels: Labels, metadata: Metadata | None, timestamp_ms: int) -> Resolution:
        assert timestamp_ms >= 0
        self.asked.append(repr(labels))
        self.metadata[labels.metric] = metadata
        identity = series_id(labels)
        self._names[identity] = repr(labels)
        return Resolution(self.judge(labels), identity, labels.metric)
