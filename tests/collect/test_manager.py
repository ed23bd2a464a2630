"""The collector: who is asked when, what begins and ends with files of targets, and that start and stop leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.collect.builders import HandClock, registry_of, reply, room_of, server_of

from tocsin.clock import RealClock, SeededEntropy
from tocsin.collect.job import Surroundings, make_jobs
from tocsin.collect.manager import Collector, Rounds
from tocsin.collect.options import CollectOptions
from tocsin.collect.scrape import Health
from tocsin.collect.sources import InProcess, in_process_sources
from tocsin.collect.tally import Tally
from tocsin.collect.transport import Budget
from tocsin.errors import ConfigError
from tocsin.testing.acceptor import FakeAcceptor
from tocsin.wire.prometheus.exposition import ExpositionReader
from tocsin.wire.prometheus.registry import SeriesRegistry


class Told:
    """A collector's rounds on a clock by hand, with functions of this process in the place of targets."""

    def __init__(self, options: dict[str, Any] | None = None, *sources: InProcess, folder: Path = Path()) -> None:
        self.clock, self.acceptor, self.tally = HandClock(), FakeAcceptor(), Tally()
        surroundings = Surroundings(registry_of(self.clock), ExpositionReader, self.clock, SeededEntropy(1), Budget(1 << 20), folder)
        self.jobs = make_jobs(CollectOptions.model_validate(options or {}), sources, surroundings)
        self.rounds = Rounds(self.jobs, room_of(self.clock, self.acceptor, tally=self.tally))

    async def round(self, seconds: float = 0.0) -> int:
        """Let time pass and do what is due; how many scrapes began. All of them end."""
        self.clock.advance(seconds)
        await self.rounds.look()
        begun = self.rounds.begin_due()
        await asyncio.gather(*begun)
        await asyncio.sleep(0)
        return len(begun)

    def addresses(self) -> list[str]:
        """Who is asked now."""
        return sorted(scrape.target.labels.get("instance") for scrape in self.rounds.running.values())


def counting(job: str = "own", *, interval_s: float = 15.0) -> tuple[InProcess, list[int]]:
    """A function that is collected, and the list that grows with each call."""
    calls: list[int] = []

    def collect() -> bytes:
        calls.append(len(calls))
        return f"calls_total {len(calls)}\n".encode()

    return InProcess(job, "here", interval_s, collect), calls


def test_a_target_is_asked_once_per_interval() -> None:
    """In any four intervals there are four scrapes, however often the loop wakes."""
    source, calls = counting()
    told = Told(None, source)

    async def story() -> None:
        await told.round()
        for _ in range(60):
            await told.round(1)

    asyncio.run(story())
    assert len(calls) == 4
    (scrape,) = told.rounds.running.values()
    assert scrape.status().health is Health.UP


def test_a_clock_that_jumps_ahead_asks_once() -> None:
    """After an hour's jump nothing is made up for; the next scrape is an interval later."""
    source, calls = counting()
    told = Told(None, source)

    async def story() -> None:
        await told.round()
        assert await told.round(3600) == 1
        assert await told.round(0) == 0
        assert await told.round(15) == 1

    asyncio.run(story())
    assert len(calls) == 2


def test_a_clock_that_is_set_back_goes_on() -> None:
    """A step into the past does not silence a target until the old time comes again."""
    source, calls = counting()
    told = Told(None, source)

    async def story() -> None:
        await told.round()
        await told.round(15)
        await told.round(-7200)
        for _ in range(30):
            await told.round(1)

    asyncio.run(story())
    assert len(calls) >= 3


def test_a_scrape_that_is_not_done_is_not_begun_again() -> None:
    """While one is under way the next is missed, counted, and the one after goes on."""
    released = threading.Event()
    source = InProcess("own", "here", 15.0, lambda: b"a 1\n" if released.wait(10) else b"")
    told = Told(None, source)

    async def story() -> None:
        await told.rounds.look()
        told.clock.advance(15)
        begun = told.rounds.begin_due()
        assert len(begun) == 1
        await asyncio.sleep(0)
        told.clock.advance(15)
        assert told.rounds.begin_due() == []
        released.set()
        await asyncio.gather(*begun)
        await asyncio.sleep(0)
        assert await told.round(15) == 1

    asyncio.run(story())
    assert told.tally.total("scrapes_missed") == 1


def test_targets_of_files_begin_and_end(tmp_path: Path) -> None:
    """A new target is asked from then on; one that is gone ends with stale markers; a broken file changes nothing."""
    path = tmp_path / "targets.json"

    def write(*targets: str) -> None:
        path.write_text(json.dumps([{"targets": list(targets)}]), encoding="utf-8")

    write("127.0.0.1:1", "127.0.0.1:2")
    told = Told({"scrape": {"jobs": [{"job_name": "a", "file_sd_configs": [{"files": ["*.json"]}]}]}}, folder=tmp_path)

    async def story() -> None:
        await told.round()
        assert told.addresses() == ["127.0.0.1:1", "127.0.0.1:2"]
        assert await told.round(15) == 2
        before = len(told.acceptor.batches)
        kept = next(scrape for scrape in told.rounds.running.values() if scrape.target.labels.get("instance") == "127.0.0.1:2")
        write("127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4")
        await told.round(5)
        assert told.addresses() == ["127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"]
        assert kept in told.rounds.running.values()
        await told.rounds.finish()
        assert len(told.acceptor.batches) > before
        path.write_text("[", encoding="utf-8")

    asyncio.run(story())


def test_a_broken_file_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A mistake is in the log when it appears, not every five seconds."""
    (tmp_path / "a.json").write_text("[", encoding="utf-8")
    told = Told({"scrape": {"jobs": [{"job_name": "a", "file_sd_configs": [{"files": ["a.json"]}]}]}}, folder=tmp_path)

    async def story() -> None:
        for _ in range(4):
            await told.round(5)

    asyncio.run(story())
    assert len([record for record in caplog.records if "a.json" in record.message]) == 1


def test_a_job_with_too_many_targets_fails_them_all() -> None:
    """Over target_limit every target is down, and says why."""
    targets = [{"targets": ["127.0.0.1:1", "127.0.0.1:2"]}]
    told = Told({"scrape": {"jobs": [{"job_name": "a", "target_limit": 1, "static_configs": targets}]}})

    async def story() -> None:
        await told.round()
        await told.round(15)

    asyncio.run(story())
    assert {scrape.status().last_error for scrape in told.rounds.running.values()} == {
        "the job has 2 targets, more than its target_limit of 1"
    }


def test_the_end_marks_everything() -> None:
    """Stopping ends each series of each target."""
    source, _ = counting()
    told = Told(None, source)

    async def story() -> None:
        await told.round()
        await told.round(15)
        await told.rounds.finish()

    asyncio.run(story())
    assert told.tally.total("stale_markers") == 6
    assert not told.rounds.running


def test_a_function_that_raises_is_a_target_that_is_down() -> None:
    """Its error is shown; nothing else suffers."""

    def collect() -> bytes:
        raise RuntimeError("no such disk")

    told = Told(None, InProcess("own", "here", 15.0, collect))

    async def story() -> None:
        await told.round()
        await told.round(15)

    asyncio.run(story())
    (scrape,) = told.rounds.running.values()
    assert scrape.status().last_error == "RuntimeError: no such disk"


def test_files_of_keys_are_read_before_anything_starts(tmp_path: Path) -> None:
    """A certificate that is not there is a mistake of the configuration, with the job's name."""
    for group, job in (("scrape", {}), ("probes", {"prober": "http"})):
        tls = {"tls_config": {"ca_file": str(tmp_path / "none.pem")}}
        options = {group: {"jobs": [{"job_name": "shop", **job, **(tls if group == "scrape" else {"http": tls})}]}}
        with pytest.raises(ConfigError, match="shop") as caught:
            Told(options)
        assert caught.value.key == f"{group}.jobs"


def test_what_the_options_switch_off_is_not_collected() -> None:
    """Machine and process are two sources, each with its job and interval."""
    options = CollectOptions.model_validate({"host": {"interval": "30s"}, "own": {"enabled": False}})
    (host,) = in_process_sources(options, machine="web-07", host=lambda: b"", own=lambda: b"")
    assert (host.job, host.instance, host.interval_s) == ("node", "web-07", 30.0)


def test_a_collector_starts_asks_and_stops() -> None:
    """With real threads and sockets: targets are scraped, listed, counted, and ended at the stop."""
    acceptor, clock = FakeAcceptor(), RealClock()
    with server_of(lambda handler: reply(handler, b"a 1\nb 2\n", Content_Type="text/plain; version=0.0.4")) as port:
        address = f"127.0.0.1:{port}"
        options = CollectOptions.model_validate(
            {
                "scrape": {
                    "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"},
                    "jobs": [{"job_name": "shop", "scrape_timeout": "250ms", "static_configs": [{"targets": [address]}]}],
                },
                "probes": {"interval": "1s", "jobs": [{"job_name": "port", "prober": "tcp", "static_configs": [{"targets": [address]}]}]},
            }
        )
        collector = Collector(options, registry=SeriesRegistry(clock=clock), acceptor=acceptor, clock=clock, entropy=SeededEntropy(1))
        collector.start()
        assert {status.job for status in collector.targets()} == {"shop", "port"}
        assert acceptor.wait(3, timeout_s=100)  # where nothing is compiled yet, that comes first
        collector.stop()
    statistics = collector.statistics()
    assert statistics.samples_appended >= 21
    assert statistics.stale_markers >= 7
    assert statistics.crashes == 0
    assert (statistics.targets, statistics.body_bytes_held) == ({}, 0)
    assert not [thread for thread in threading.enumerate() if thread.name == "collect"]


def test_a_collector_that_never_started_stops() -> None:
    """Stopping twice, or without a start, is nothing."""
    clock = HandClock()
    collector = Collector(CollectOptions(), registry=registry_of(clock), acceptor=FakeAcceptor(), clock=clock, entropy=SeededEntropy(1))
    collector.stop()
    collector.stop()
