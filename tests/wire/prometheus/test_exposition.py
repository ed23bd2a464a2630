"""The reader of a target: whom it asks and when, what it remembers, what it counts, whatever the format."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.wire.prometheus.fake_target import DAY_MS, NOW_MS, OPENMETRICS, PROTOBUF, TEXT, FakeTarget
from tests.wire.prometheus.metric_family import GAUGE, double, family, metric

from tocsin.errors import InvalidInput, LimitExceeded, ParseError
from tocsin.model.labels import Labels
from tocsin.wire.prometheus.content_type import Format, format_of
from tocsin.wire.prometheus.exposition import ExpositionReader, warm
from tocsin.wire.prometheus.scraped import Fate, ReadOptions

BODIES: dict[str, str | bytes] = {
    TEXT: "lamps 3\nfans 1\n",
    OPENMETRICS: "lamps 3\nfans 1\n# EOF\n",
    PROTOBUF: family("lamps", GAUGE, metric(2, double(1, 3))) + family("fans", GAUGE, metric(2, double(1, 1))),
}


@pytest.mark.parametrize(
    ("content_type", "found"),
    [
        ("text/plain", Format.TEXT),
        ("Text/Plain; version=0.0.4; charset=utf-8", Format.TEXT),
        ('text/plain;version=1.0.0;escaping="allow-utf-8";', Format.TEXT),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("application/openmetrics-text; version=0.0.1", Format.OPENMETRICS),
        (PROTOBUF, Format.PROTOBUF),
    ],
)
def test_content_types(content_type: str, found: Format) -> None:
    """The media type names the format, however it is spelled, whatever its version."""
    assert format_of(content_type) is found


@pytest.mark.parametrize("content_type", ["", "text/html", "text", "application/json", "text/plain; version=", "text/plain;;"])
def test_other_content_types_are_refused(content_type: str) -> None:
    """Unless a fallback is set, which then counts."""
    with pytest.raises(InvalidInput, match="fallback_scrape_protocol"):
        format_of(content_type)
    assert format_of(content_type, fallback=OPENMETRICS) is Format.OPENMETRICS
    target = FakeTarget(content_type, ReadOptions(fallback_content_type=TEXT))
    assert target.samples("lamps 3\n") == [("lamps", 3)]


@pytest.mark.parametrize("content_type", BODIES)
def test_a_series_is_asked_about_once_a_day(content_type: str) -> None:
    """Once when it is new, and again on a new day, because its definition has to travel again; two days are remembered."""
    target = FakeTarget(content_type)
    for now_ms, asked in ((NOW_MS, 2), (NOW_MS + 15_000, 2), (NOW_MS + DAY_MS, 4), (NOW_MS, 4), (NOW_MS + 2 * DAY_MS, 6), (NOW_MS, 8)):
        assert target.samples(BODIES[content_type], now_ms=now_ms) == [("lamps", 3), ("fans", 1)]
        assert len(target.asked) == asked


@pytest.mark.parametrize("content_type", BODIES)
def test_dropped_series_stay_dropped(content_type: str) -> None:
    """They count as scraped, not as kept, and nobody is asked again."""
    target = FakeTarget(content_type, judge=lambda labels: Fate.DROPPED if labels.metric == "fans" else Fate.KEPT)
    for now_ms in (NOW_MS, NOW_MS + DAY_MS):
        scraped = target.scrape(BODIES[content_type], now_ms=now_ms)
        assert scraped.values.tolist() == [3]
        assert (scraped.samples_scraped, scraped.samples_post_relabel, scraped.refused) == (2, 1, 0)
    assert target.asked.count("fans") == 1


@pytest.mark.parametrize("content_type", BODIES)
def test_refused_series_get_another_chance(content_type: str) -> None:
    """They are left out and counted; after some scrapes they are asked about again."""
    target = FakeTarget(content_type, judge=lambda labels: Fate.REFUSED if labels.metric == "fans" else Fate.KEPT)
    scraped = [target.scrape(BODIES[content_type]) for _ in range(20)][-1]
    assert (len(scraped.values), scraped.samples_post_relabel, scraped.refused) == (1, 2, 1)
    assert target.asked.count("fans") == 1
    target.judge = lambda _: Fate.KEPT
    assert len(target.scrape(BODIES[content_type]).values) == 2
    assert target.asked.count("fans") == 2
    assert target.asked.count("lamps") == 1


@pytest.mark.parametrize("content_type", BODIES)
def test_forgotten_series_are_asked_about_again(content_type: str) -> None:
    """What did not become durable, or what the registry forgot, is asked about when it is seen next."""
    target = FakeTarget(content_type)
    scraped = target.scrape(BODIES[content_type])
    target.reader.forget(scraped.series_ids[:1])
    target.reader.forget(np.array([12345], np.uint64))
    target.scrape(BODIES[content_type])
    target.scrape(BODIES[content_type])
    assert target.asked == ["lamps", "fans", "lamps"]


@pytest.mark.parametrize("content_type", BODIES)
def test_whoever_refuses_the_answer_is_asked_again(content_type: str) -> None:
    """When a limit ends a scrape half way, no series counts as known from it."""

    def judge(labels: Labels) -> Fate:
        if labels.metric == "fans":
            raise LimitExceeded("too many series")
        return Fate.KEPT

    target = FakeTarget(content_type, judge=judge)
    for _ in range(2):
        with pytest.raises(LimitExceeded):
            target.scrape(BODIES[content_type])
    target.judge = lambda _: Fate.KEPT
    assert target.scrape(BODIES[content_type]).series_added == 2
    assert target.asked == ["lamps", "fans"] * 3


def test_series_added() -> None:
    """New series and those that come back count; those that were in the last answer, and the dropped ones, do not."""
    target = FakeTarget(judge=lambda labels: Fate.DROPPED if labels.metric == "fans" else Fate.KEPT)
    added = [target.scrape(body).series_added for body in ("a 1\nb 1\nfans 1\n", "a 1\nc 1\nfans 1\n", "a 2\nb 2\n", "a 2\nb 3\n", "")]
    assert added == [2, 1, 1, 0, 0]


@pytest.mark.parametrize("second", ["lamps 4\n", 'lamps{a=""} 4\n', "lamps  4\n"])
def test_the_first_of_two_samples_counts(second: str) -> None:
    """A series that is exposed twice keeps its first sample, however its text differs; the other one is counted."""
    target = FakeTarget()
    for _ in range(2):
        scraped = target.scrape(f"lamps 3\n{second}")
        assert (scraped.values.tolist(), scraped.duplicates, scraped.samples_post_relabel) == ([3], 1, 2)


def test_samples_of_one_series_at_different_times() -> None:
    """With times of their own, two samples are two; at one time the first counts."""
    scraped = FakeTarget().scrape("lamps 3 1790000000001\nlamps 4 1790000000002\nlamps 5 1790000000002\n")
    assert scraped.values.tolist() == [3, 4]
    assert scraped.duplicates == 1


@pytest.mark.parametrize("order", ['lamps{b="2",a="1"} 4\n', 'lamps{ a="1",b="2" } 4\n'])
def test_two_texts_of_one_series_are_one_series(order: str) -> None:
    """Labels in another order, or with blanks, are the same series."""
    target = FakeTarget()
    assert target.samples('lamps{a="1",b="2"} 3\n') == [('lamps{a="1", b="2"}', 3)]
    assert target.scrape(order).series_added == 0


def test_times_that_are_not_honoured() -> None:
    """Every sample then has the time of the scrape, and none counts as given by the target."""
    target = FakeTarget(options=ReadOptions(honor_timestamps=False))
    scraped = target.scrape("lamps 3 5\nfans 1\n")
    assert scraped.timestamps_ms.tolist() == [NOW_MS, NOW_MS]
    assert not scraped.explicit.any()
    with pytest.raises(ParseError):
        target.scrape("lamps 3 x\n")


def test_what_is_gone_is_forgotten_in_the_end() -> None:
    """A target whose series come and go does not fill the memory, and the series that stay are not asked about again."""
    target = FakeTarget()
    for turn in range(30):
        target.scrape("stays 1\n" + "".join(f'goes{{turn="{turn}",n="{number}"}} 1\n' for number in range(200)))
    statistics = target.reader.statistics()
    assert statistics.entries < 2000
    assert statistics.table_bytes < 500_000
    assert target.asked.count("stays") == 1


def test_labels_in_ever_new_orders_are_forgotten_too() -> None:
    """A target that writes its labels in another order each time does not fill the memory, and its series go on."""
    target = FakeTarget()
    names = "abcdefg"
    for turn, order in enumerate(itertools.islice(itertools.permutations(names), 400)):
        labels = ",".join(f'{name}="1"' for name in order)
        scraped = target.scrape("".join(f'lamps{{n="{number}",{labels}}} 1\n' for number in range(50)))
        assert (len(scraped.values), scraped.series_added) == (50, 0 if turn else 50)
    assert target.reader.statistics().table_bytes < 500_000


def test_a_refused_text_of_a_series_that_is_kept() -> None:
    """Once it is taken, it is the same series as the other text of it."""
    target = FakeTarget(judge=lambda labels: Fate.REFUSED)
    target.scrape('lamps{a="1",b="2"} 1\n')
    target.judge = lambda _: Fate.KEPT
    target.scrape('lamps{b="2",a="1"} 1\n')
    target.reader.forget(np.zeros(0, np.uint64))
    scraped = [target.scrape('lamps{b="2",a="1"} 2\nlamps{a="1",b="2"} 1\n') for _ in range(20)][-1]
    assert (scraped.values.tolist(), scraped.duplicates, scraped.refused) == ([2], 1, 0)


@pytest.mark.parametrize("time", ["0", "999999999999999999"])
def test_times_far_away(time: str) -> None:
    """A time that no instant has is passed on to whoever judges it."""
    target = FakeTarget()
    for _ in range(2):
        assert target.scrape(f"lamps 3 {time}\n").timestamps_ms.tolist() == [int(time)]


@pytest.mark.parametrize("content_type", BODIES)
def test_answers_that_are_too_large(content_type: str) -> None:
    """More samples than are read at once are refused before anybody is asked; as many as that are read."""
    body = b"".join(family("lamps", GAUGE, metric(2, double(1, 3), {"n": str(number)})) for number in range(100))
    if content_type != PROTOBUF:
        body = b"".join(b'lamps{n="%d"} 3\n' % number for number in range(99 if content_type == OPENMETRICS else 100))
        body += b"# EOF\n" if content_type == OPENMETRICS else b""
    target = FakeTarget(content_type, ReadOptions(samples_max=80))
    with pytest.raises(LimitExceeded, match="samples_max"):
        target.scrape(body)
    assert not target.asked
    assert FakeTarget(content_type, ReadOptions(samples_max=100)).scrape(body).samples_scraped >= 99


def test_one_series_a_hundred_thousand_times() -> None:
    """It is asked about once, also when it is new, and once for each day."""
    target = FakeTarget()
    assert target.scrape("lamps 3\n" * 100_000).duplicates == 99_999
    target.scrape("".join(f"fans 3 {now_ms}\n" for now_ms in range(NOW_MS, NOW_MS + 2 * DAY_MS, DAY_MS // 1000)))
    assert target.asked.count("lamps") == 1
    assert 2 <= target.asked.count("fans") <= 3


def test_many_series_are_told_apart() -> None:
    """Three thousand series keep their own values through growth of the table."""
    target = FakeTarget()
    body = "".join(f'lamps{{n="{number}"}} {number}\n' for number in range(3000))
    for _ in range(2):
        assert target.samples(body) == [(f'lamps{{n="{number}"}}', number) for number in range(3000)]
    assert len(target.asked) == 3000


def test_kernels_can_be_warmed() -> None:
    """Warming needs no target and leaves nothing behind."""
    warm()
    assert ExpositionReader(lambda *_: pytest.fail("nobody is new")).read(b"", TEXT, timestamp_ms=NOW_MS).samples_scraped == 0
