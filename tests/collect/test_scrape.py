"""One target's steps: what is stored after good answers, bad ones, none, and refusals on either side."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.collect.builders import NOW_MS, STALE, TEXT, Bench, HandClock, ListedSource, bench_of, job_of, registry_of, series_of

from tocsin.collect.append import Report, attach
from tocsin.collect.scrape import Health
from tocsin.collect.transport import Answer, ScrapeFailed
from tocsin.errors import JournalError, Overloaded, Timeout
from tocsin.model.batch import Batch
from tocsin.model.signal import Signal

OWN = 'instance="a:1", job="shop"'
UP = f"up{{{OWN}}}"


def series(name: str, labels: str = "") -> str:
    """A series of the target in words."""
    return f"{name}{{{', '.join(sorted([*OWN.split(', '), *filter(None, labels.split(', '))]))}}}"


def report(block: dict[str, float | str]) -> dict[str, float | str]:
    """The report of a scrape without its duration, by short names."""
    names = {
        "up": "up",
        "scrape_samples_scraped": "scraped",
        "scrape_samples_post_metric_relabeling": "kept",
        "scrape_series_added": "added",
    }
    return {short: block[series(name)] for name, short in names.items()}


def only(block: dict[str, float | str]) -> dict[str, float | str]:
    """What a block holds without the report."""
    return {name: value for name, value in block.items() if not name.startswith(("up{", "scrape_"))}


def stepped(*answers: str | Exception, job: dict[str, Any] | None = None, **limits: int) -> Bench:
    """A target that gives these answers."""
    return bench_of(ListedSource(*answers), job=job_of(**(job or {})), **limits)


def test_an_answer_becomes_samples_and_a_report() -> None:
    """Every sample has the target's labels and the scheduled time; the report says what was there."""
    bench = stepped('a 1\nb{x="y"} 2.5\n')
    block = bench.step()
    assert only(block) == {series("a"): 1.0, series("b", 'x="y"'): 2.5}
    assert report(block) == {"up": 1.0, "scraped": 2.0, "kept": 2.0, "added": 2.0}
    assert series("scrape_duration_seconds") in block
    assert set(bench.kept.blocks[-1].timestamps_ms.tolist()) == {NOW_MS}
    (batch,) = bench.acceptor.batches
    assert (batch.signal, batch.records) == (Signal.SAMPLES, 7)
    status = bench.scrape.status()
    assert (status.health, status.last_error, status.last_scrape_ms) == (Health.UP, "", NOW_MS)


def test_definitions_travel_once_a_day() -> None:
    """Labels go with the first block and the first of the next day, not with those in between."""
    bench = stepped("a 1\n")
    bench.step()
    assert len(bench.kept.blocks[-1].series) == 6
    bench.clock.advance(15)
    bench.step()
    assert len(bench.kept.blocks[-1].series) == 0
    bench.clock.advance(86_400)
    bench.step()
    assert len(bench.kept.blocks[-1].series) == 6


def test_what_vanishes_ends() -> None:
    """A series that the next answer lacks gets a stale marker once; one that comes back goes on."""
    bench = stepped("a 1\nb 1\n", "a 2\n", "a 3\n", "b 4\na 4\n")
    bench.step()
    assert only(bench.step()) == {series("a"): 2.0, series("b"): STALE}
    assert only(bench.step()) == {series("a"): 3.0}
    assert only(bench.step()) == {series("a"): 4.0, series("b"): 4.0}


@pytest.mark.parametrize("failure", [ScrapeFailed("no route"), Timeout("too slow"), "a 1\nb{ 1\n", "x{x=1} 1\n"])
def test_a_failure_ends_everything_and_says_why(failure: str | Exception) -> None:
    """No answer, or one that does not parse: nothing of it is taken, up is 0, all series end, once."""
    bench = stepped("a 1\n", failure, failure, "a 2\n")
    bench.step()
    block = bench.step()
    assert only(block) == {series("a"): STALE}
    assert report(block) == {"up": 0.0, "scraped": 0.0, "kept": 0.0, "added": 0.0}
    assert bench.scrape.status().health is Health.DOWN
    assert bench.scrape.status().last_error
    assert only(bench.step()) == {}
    assert only(bench.step()) == {series("a"): 2.0}
    assert bench.scrape.status().last_error == ""


def test_the_end_of_a_target_ends_its_series_and_its_report() -> None:
    """A target that is asked no more leaves nothing that looks alive."""
    bench = stepped("a 1\n")
    bench.step()
    block = bench.end()
    assert block == dict.fromkeys([series("a"), UP, *(name for name in block if name.startswith("scrape_"))], STALE)
    assert len(block) == 6
    assert min(bench.kept.blocks[-1].timestamps_ms) > NOW_MS


def test_a_target_that_was_never_asked_ends_silently() -> None:
    """Nothing to end, nothing to store."""
    bench = stepped("a 1\n")
    asyncio.run(bench.scrape.end())
    assert not bench.kept.blocks
    assert not bench.acceptor.batches


def test_labels_of_the_target_win_and_the_exposed_ones_are_kept_aside() -> None:
    """A label that both have is kept as exported_, and so on if that name is taken, too."""
    bench = stepped('a{job="x",exported_job="z"} 1\n')
    assert only(bench.step()) == {'a{exported_exported_job="x", exported_job="z", instance="a:1", job="shop"}': 1.0}


def test_exposed_labels_win_when_they_are_honored() -> None:
    """With honor_labels what the target says of job and instance is taken; what it does not say is added."""
    bench = stepped('a{job="x"} 1\n', job={"honor_labels": True})
    assert only(bench.step()) == {'a{instance="a:1", job="x"}': 1.0}


@pytest.mark.parametrize(
    ("exposed", "own", "honor", "merged"),
    [
        ({"a": "1"}, {"a": "2"}, False, {"a": "2", "exported_a": "1"}),
        ({"a": "1", "exported_a": "3"}, {"a": "2"}, False, {"a": "2", "exported_a": "3", "exported_exported_a": "1"}),
        ({"a": "1", "exported_a": "3"}, {"a": "2", "exported_a": "4"}, False, None),
        ({"a": ""}, {"a": "2"}, False, {"a": "2"}),
        ({"a": ""}, {"a": "2"}, True, {}),
        ({"a": "1"}, {"a": "2", "b": "3"}, True, {"a": "1", "b": "3"}),
    ],
)
def test_attaching_labels(exposed: dict[str, str], own: dict[str, str], *, honor: bool, merged: dict[str, str] | None) -> None:
    """An empty exposed label yields, or with honor_labels keeps its place empty; nothing exposed is ever lost otherwise."""
    out = attach(list(exposed.items()), own, honor_labels=honor)
    if merged is not None:
        assert out == merged
    else:
        assert sorted(out.values()) == sorted([*exposed.values(), *own.values()])


def test_metric_relabelling_drops_and_rewrites() -> None:
    """Dropped series count as scraped, not as kept; a name may be rewritten."""
    rules = [
        {"source_labels": ["__name__"], "regex": "go_.*", "action": "drop"},
        {"source_labels": ["__name__"], "regex": "(.*)_total", "target_label": "__name__", "replacement": "${1}_sum"},
    ]
    bench = stepped("go_gc 1\nhits_total 2\n", job={"metric_relabel_configs": rules})
    block = bench.step()
    assert only(block) == {series("hits_sum"): 2.0}
    assert report(block) == {"up": 1.0, "scraped": 2.0, "kept": 1.0, "added": 1.0}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sample_limit": 1}, "2 samples, more than the sample_limit of 1"),
        ({"label_limit": 3}, "4 labels, more than the label_limit of 3"),
        ({"label_name_length_limit": 7}, "label_name_length_limit"),
        ({"label_value_length_limit": 6}, "label_value_length_limit"),
        ({"metric_relabel_configs": [{"regex": "__name__", "action": "labeldrop"}]}, "without a name"),
    ],
)
def test_limits_fail_the_whole_scrape(options: dict[str, Any], says: str) -> None:
    """Over a limit nothing is taken, and the reason names the limit."""
    bench = stepped('a 1\nb{long_name="long_value"} 2\n', job=options)
    block = bench.step()
    assert only(block) == {}
    assert block[UP] == 0.0
    assert says in bench.scrape.status().last_error


def test_a_scrape_over_its_sample_limit_recovers() -> None:
    """Once the target is small enough again its series go on, with their labels."""
    bench = stepped("a 1\n", "a 1\nb 1\n", "b 2\n", job={"sample_limit": 1})
    bench.step()
    assert only(bench.step()) == {series("a"): STALE}
    assert only(bench.step()) == {series("b"): 2.0}


def test_the_registry_refuses_and_the_reason_is_shown() -> None:
    """A target with more series than there may be fails; what was there before ends."""
    bench = stepped("a 1\n", "a 1\nb 1\nc 1\n", series_max=7)
    bench.step()
    assert only(bench.step()) == {series("a"): STALE}
    assert "series_max" in bench.scrape.status().last_error
    assert bench.tally.groups("failures") == {"limit_exceeded": 1}


def test_a_target_with_too_many_series_recovers() -> None:
    """Once the series above the limit are gone the others are stored, with their labels, and so is one that was missing meanwhile."""
    one, two, three = (f'a{{n="{n}"}} 1\n' for n in "123")
    bench = stepped(one + two + three, one + two + three, one, one + two, series_per_metric_max=2)
    assert only(bench.step()) == {}
    assert only(bench.step()) == {}
    assert "series_per_metric_max" in bench.scrape.status().last_error
    first, second = series("a", 'n="1"'), series("a", 'n="2"')
    assert only(bench.step()) == {first: 1.0}
    assert only(bench.step()) == {first: 1.0, second: 1.0}
    assert bench.scrape.status().last_error == ""


def test_a_refusal_is_remembered() -> None:
    """A target far above its limit is judged once: the scrapes after that fail without a question, until it is time to ask anew."""
    body = b"".join(b'a{n="%d"} 1\n' % n for n in range(3000))
    clock = HandClock()
    registry = registry_of(clock, series_per_metric_max=500)
    bench = series_of(job_of(), registry)
    for step in range(19):
        taken = bench.take(Answer(body, TEXT), timestamp_ms=NOW_MS + step)
        assert taken.scraped is None
        assert "series_per_metric_max" in taken.error
        assert 1000 <= registry.statistics().refused["series_per_metric_max"] <= 1001
    small = b"".join(b'a{n="%d"} 1\n' % n for n in range(500))
    taken = bench.take(Answer(small, TEXT), timestamp_ms=NOW_MS + 20)
    assert taken.scraped is not None
    assert len(taken.scraped.series_ids) == 500
    report = Report(up=True, duration_s=0.0)
    assert len(bench.draft(taken, report, timestamp_ms=NOW_MS + 20).block.series) >= 500


def test_an_overloaded_journal_loses_samples_but_no_definitions_and_no_ends() -> None:
    """What the journal does not take is counted; labels and stale markers travel with the next block."""
    bench = stepped("a 1\nb 1\n", "a 2\nb 2\n", "a 3\n", "a 4\n")
    bench.acceptor.refusal = Overloaded("full", retry_after_s=1.0)
    bench.step()
    assert bench.tally.groups("appends_refused") == {"overloaded": 1}
    bench.acceptor.refusal = None
    bench.step()
    assert len(bench.kept.blocks[-1].series) == 7
    bench.acceptor.refusal = Overloaded("full", retry_after_s=1.0)
    assert only(bench.step()) == {series("a"): 3.0, series("b"): STALE}
    bench.acceptor.refusal = None
    assert only(bench.step()) == {series("a"): 4.0, series("b"): STALE}
    assert bench.tally.total("stale_markers") == 1


def test_after_a_failed_disk_whatever_may_be_stored_is_ended() -> None:
    """Nobody knows whether such a block is stored, so what it had ends later as if it were."""
    bench = stepped("a 1\n", "b 2\n")
    bench.acceptor.failure = JournalError("disk")
    bench.step()
    assert bench.tally.groups("appends_refused") == {"journal_error": 1}
    bench.acceptor.failure = None
    assert only(bench.step()) == {series("a"): STALE, series("b"): 2.0}


def test_times_of_the_target_are_taken_or_not() -> None:
    """honor_timestamps decides; a series with times of its own does not end unless the job asks for it."""
    mine = NOW_MS - 60_000
    bench = stepped(f"a 1 {mine}\n", "b 1\n")
    bench.step()
    assert mine in bench.kept.blocks[-1].timestamps_ms
    assert only(bench.step()) == {series("b"): 1.0}
    tracked = stepped(f"a 1 {mine}\n", "b 1\n", job={"track_timestamps_staleness": True})
    tracked.step()
    assert only(tracked.step()) == {series("a"): STALE, series("b"): 1.0}
    ignored = stepped(f"a 1 {mine}\n", job={"honor_timestamps": False})
    ignored.step()
    assert set(ignored.kept.blocks[-1].timestamps_ms.tolist()) == {NOW_MS}


def test_samples_far_ahead_are_left_out_alone() -> None:
    """A wrong clock of one series does not fail the others; it is counted."""
    far = NOW_MS + 30 * 86_400_000
    bench = stepped(f"a 1 {NOW_MS}\nb 1 {far}\n", f"a 1 {far}\nb 1 {far}\n")
    assert only(bench.step()) == {series("a"): 1.0}
    assert only(bench.step()) == {}
    assert bench.tally.total("samples_left_out") >= 2


def test_a_late_scrape_says_so() -> None:
    """A scrape that starts within a hundredth of its interval has the scheduled time, a later one its own."""
    bench = stepped("a 1\n")
    bench.step(NOW_MS - 100)
    assert bench.kept.blocks[-1].timestamps_ms[0] == NOW_MS - 100
    bench.step(NOW_MS - 2000)
    assert bench.kept.blocks[-1].timestamps_ms[0] == NOW_MS


def test_the_duration_is_that_of_the_clock() -> None:
    """What the fetch took is what the report says."""
    source = ListedSource("a 1\n")
    bench = bench_of(source)
    source.before = lambda: bench.clock.advance(0.25)
    assert bench.step()[series("scrape_duration_seconds")] == pytest.approx(0.25)
    assert bench.scrape.status().last_duration_s == pytest.approx(0.25)


def test_a_refused_target_fails_without_a_request() -> None:
    """A job with too many targets fails them all, with the reason, until there are fewer."""
    bench = stepped("a 1\n")
    bench.scrape.refuse("too many targets")
    assert bench.step()[UP] == 0.0
    assert bench.scrape.status().last_error == "too many targets"
    bench.scrape.refuse("")
    assert bench.step()[UP] == 1.0


def test_a_bug_in_one_scrape_ends_nothing_else() -> None:
    """An error that nobody planned is logged, counted, shown, and the next step is as good as any."""
    bench = stepped(RuntimeError("boom"), "a 1\n")
    assert bench.step()[UP] == 0.0
    assert "RuntimeError" in bench.scrape.status().last_error
    assert bench.tally.total("crashes") == 1
    assert only(bench.step()) == {series("a"): 1.0}


def test_series_are_known_again_after_the_registry_forgot_them() -> None:
    """A target that was down for hours comes back with its labels, and counts again."""
    bench = stepped("a 1\n", ScrapeFailed("down"), "a 2\n")
    bench.step()
    bench.step()
    bench.clock.advance(3 * 3600)
    assert only(bench.step()) == {series("a"): 2.0}
    assert len(bench.kept.blocks[-1].series) == 6
    bench.clock.advance(3000)
    bench.step()
    assert not bench.kept.blocks[-1].series


def test_the_body_of_a_batch_is_the_block() -> None:
    """What the journal gets is the encoded block."""
    bench = stepped("a 1\n")
    bench.step()
    batch = bench.acceptor.batches[-1]
    assert isinstance(batch, Batch)
    assert batch.body == bench.kept.blocks[-1].encode()
