"""The wall in a terminal: what it prints at every width, and how it keeps itself fresh."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter
from rich.console import Console
from tests.api.fake_desk import FakeDesk
from tests.cli.conftest import Tocsin

from tocsin.cli.server import Unreachable
from tocsin.cli.signals import Reading, Watch
from tocsin.cli.signals_table import wall_lines
from tocsin.cli.terminal import UNCUT
from tocsin.model.answers import TopError
from tocsin.model.deployment import Deployment, DeploymentSource
from tocsin.model.instant import parse_instant
from tocsin.model.signals import (
    Endpoint,
    ErrorSplit,
    Flag,
    LatencyBin,
    Limits,
    RequestSignals,
    ResourceSignals,
    Signal,
    SignalSeries,
    SignalsWall,
    Unit,
)
from tocsin.store.read_range import Within

NOW = parse_instant("2026-03-02T02:03:11Z")
SECOND = 10**9


def signal(name: str, shown: str, flag: Flag = Flag.OK, reason: str = "fine") -> Signal:
    """A signal as the wall has it."""
    value = None if shown == "-" else 1.0
    return Signal(name, name.replace("_", " "), value, Unit.RATIO, shown, Limits(1, 2), None, flag, reason)


def service(name: str | None, flag: Flag = Flag.OK, *, operation: str | None = None) -> RequestSignals:
    """A service; a flagged one is slow and full of errors."""
    bad = flag is not Flag.OK
    return RequestSignals(
        service=name, operation=operation, kind="server" if operation else None, flag=flag, requests=1200,
        latency=[signal(f"latency_{p}", "5,000 ms" if bad else "230 ms", flag, f"{p} 5,000 ms is above 1,000 ms" if bad else "fine")
                 for p in ("p50", "p90", "p95", "p99")],
        distribution=[LatencyBin(10, 10.9, 90, 0), LatencyBin(18.34, 20, 10, 0)],
        traffic=signal("traffic", "1.2 k/s"), errors=signal("error_rate", "10.0 %" if bad else "0.0 %", flag, "many"),
        errors_per_s=0.1, error_split=ErrorSplit(7, 3, None), saturation=signal("saturation", "-", Flag.NO_DATA, "nobody measures it"),
        burn=signal("slo_burn", "10.0x", flag, "burns") if bad and operation is None else None, exemplar_trace_id="0a" * 16,
    )  # fmt: skip


def wall(*services: RequestSignals, notes: tuple[str, ...] = ()) -> SignalsWall:
    """A wall with something in every part."""
    cpu = ResourceSignals("CPU", Flag.WARN, signal("cpu_utilization", "93.0 %", Flag.WARN), signal("cpu_saturation", "1.2x"), None)
    nothing = ResourceSignals("network", Flag.NO_DATA, signal("network_utilization", "-", Flag.NO_DATA), None, None)
    return SignalsWall(
        start=NOW - 900 * SECOND, end=NOW, updated=NOW, flag=Flag.BREACH if services else Flag.NO_DATA,
        sentence="1 service breaches: checkout: error rate 10.0 % is above 5.0 %." if services else "Nothing was observed.",
        whole=service(None), services=list(services), resources=[cpu, nothing] if services else [],
        slowest=[Endpoint("checkout", "POST /checkout with \x1b[2J in its name", "server", 600, 55, signal("p95", "5,000 ms"), None)],
        top_errors=[TopError("checkout", "charge", "Timeout", "no answer " * 30, 54, NOW, NOW, None, "spans")],
        deployments=[Deployment("d", "checkout", "v2.3.1", NOW - 1200 * SECOND, DeploymentSource.MARK)], notes=notes,
    )  # fmt: skip


STORY = (service("checkout", Flag.BREACH), service("a-service-with-quite-a-long-name-of-its-own"))


def record(found: object) -> Any:
    """As the API answers it."""
    return json.loads(TypeAdapter(type(found)).dump_json(found))


def drawn(width: int, *services: RequestSignals, **more: Any) -> list[str]:
    """The lines of a wall."""
    given = {"service": None, "endpoints": [], **more}
    return [line.plain for line in wall_lines(record(wall(*(services or STORY))), width=width, **given)]


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200, 250])
def test_a_wall_fits_its_terminal(width: int) -> None:
    """Below the sentence no line of a table is wider than the terminal, and no control character is left."""
    lines = drawn(width)
    tables = [line for line in lines[3:] if not line.startswith("  ")]
    assert max(len(line) for line in tables) <= width
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_verdicts_are_words_at_every_width(width: int) -> None:
    """Without any colour the state of every service, and why, can be read."""
    text = "\n".join(drawn(width))
    assert lines_with(text, "checkout", "BREACH", "5,000 ms", "10.0 %", "10.0x")
    assert lines_with(text, "OK", "230 ms", "0.0 %")
    assert "p50 5,000 ms is" in text
    assert lines_with(text, "CPU", "WARN", "93.0 %", "1.2x")
    assert "network" not in text
    for part in ("slowest endpoints", "top errors", "deployments", "v2.3.1", "Timeout"):
        assert part in text


def lines_with(text: str, *words: str) -> list[str]:
    """Lines that hold all the words."""
    return [line for line in text.splitlines() if all(word in line for word in words)]


def test_services_stand_beside_resources_where_there_is_room() -> None:
    """On a wide terminal RED and USE are one block, on a narrow one they follow each other."""
    assert lines_with("\n".join(drawn(200)), "checkout", "CPU")
    assert not lines_with("\n".join(drawn(120)), "checkout", "CPU")


def test_one_service_explains_each_signal() -> None:
    """Every signal with its verdict and reason, how requests went wrong, its endpoints, and a trace to look at."""
    endpoints = [record(service("checkout", Flag.BREACH, operation="POST /pay"))]
    text = "\n".join(drawn(120, STORY[0], service="checkout", endpoints=endpoints))
    assert lines_with(text, "latency p95", "5,000 ms", "BREACH", "p95 5,000 ms is above 1,000 ms")
    assert lines_with(text, "saturation", "-", "no data", "nobody measures it")
    assert "errors: 7 failed, 3 answered wrongly" in text
    assert f"tocsin trace {'0a' * 16}" in text
    assert lines_with(text, "POST /pay", "server", "BREACH")
    assert "slowest endpoints" not in text
    assert "no span of mail came" in "\n".join(drawn(80, STORY[0], service="mail"))


def test_reasons_are_whole_where_a_table_has_no_room_for_them() -> None:
    """At eighty columns what is flagged says why below the table; into a pipe nothing is cut, and nothing stands beside the services."""
    long = replace(service("checkout", Flag.BREACH), errors=signal("error_rate", "10.0 %", Flag.BREACH, "why " * 40 + "indeed"))
    narrow = drawn(80, long, service="checkout")
    assert lines_with("\n".join(narrow), "  why why", "indeed")
    piped = "\n".join(drawn(UNCUT, long))
    assert lines_with(piped, "checkout", "BREACH", "indeed")
    assert lines_with(piped, "Timeout", ("no answer " * 30).strip())
    assert not lines_with(piped, "checkout", "CPU")
    one = replace(long, requests=1)
    assert lines_with("\n".join(drawn(80, one, service="checkout")), "checkout  1 request")[0].endswith("1 request")


def test_an_empty_wall_says_so() -> None:
    """No data is a word of its own, and what would bring some."""
    lines = [line.plain for line in wall_lines(record(wall(notes=("a query failed",))), service=None, endpoints=[], width=80)]
    assert lines[0] == "no data  Nothing was observed."
    assert any("host.enabled" in line for line in lines)
    assert lines[-1] == "a query failed"


class Beat:
    """A clock that the watch itself drives: it moves when the watch waits, and stops everything after some waits."""

    def __init__(self, waits: int) -> None:
        self.now_s = 100.0
        self._left = waits

    def now_ns(self) -> int:
        """Not asked."""
        raise AssertionError

    def monotonic_s(self) -> float:
        """Seconds waited so far."""
        return self.now_s

    def wait(self, seconds: float) -> None:
        """Let time pass; Ctrl-C when enough has."""
        self.now_s += seconds
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt


def watched(read: Callable[[], Reading], *, waits: int, terminal: bool, interval_s: float = 3, height: int = 12) -> str:
    """What a watch writes until Ctrl-C."""
    beat, out = Beat(waits), io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, height=height, color_system=None)
    Watch(read, None, interval_s=interval_s, clock=beat, wait=beat.wait).run(console)
    return out.getvalue()


def readings(*outcomes: str) -> Callable[[], Reading]:
    """Walls and failures in turn, the last one for ever."""
    turns: Iterator[str] = iter(outcomes)
    last = [outcomes[-1]]

    def read() -> Reading:
        last[0] = next(turns, last[0])
        if last[0] == "gone":
            raise Unreachable("no server at http://x; start one with `tocsin up`")
        return Reading(record(wall(*STORY)))

    return read


def test_a_watch_counts_the_age_of_what_it_shows() -> None:
    """Every second, until it reads anew; Ctrl-C ends it as if nothing were wrong."""
    text = watched(readings("wall"), waits=4, terminal=True)
    ages = [int(line.split("(")[1].split(" s ago")[0]) for line in text.splitlines() if "s ago" in line]
    assert ages[:5] == [0, 1, 2, 3, 0]
    assert "last updated 02:03:11 (2 s ago)" in text
    assert text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == 1


@pytest.mark.parametrize(("height", "said"), [(12, True), (60, False)])
def test_a_watch_says_what_its_terminal_has_no_rows_for(height: int, said: bool) -> None:
    """The last row says how many lines are missing; together with those that are shown they are all."""
    text = watched(readings("wall"), waits=1, terminal=True, height=height)
    found = re.search(r"(\d+) more lines; a taller window shows them", text)
    assert (found is not None) is said
    if found is not None:
        lines = wall_lines(record(wall(*STORY)), service=None, endpoints=[], width=120, age_s=0)
        assert height - 2 + int(found[1]) == len(lines)


def test_a_watch_outlives_its_server() -> None:
    """While the server is gone the last wall stays, visibly old; when it is back the wall is fresh."""
    text = watched(readings("wall", "gone", "gone", "wall"), waits=14, terminal=True)
    frames = text.split("1 service breaches")
    assert "not fresh: no server at http://x" in text
    assert "(8 s ago)" in text
    assert "not fresh" not in frames[1]
    assert "(0 s ago)" in frames[-1] or "(1 s ago)" in frames[-1] or "(2 s ago)" in frames[-1]


def test_a_watch_can_begin_without_a_server() -> None:
    """It waits for it."""
    text = watched(readings("gone", "wall"), waits=6, terminal=True)
    assert text.index("not fresh") < text.index("1 service breaches")


def test_a_watch_into_a_pipe_prints_page_after_page() -> None:
    """Without anything that moves a cursor."""
    text = watched(readings("wall", "gone", "wall"), waits=2, terminal=False)
    assert text.count("1 service breaches") == 3
    assert "\x1b" not in text


class FakeSignals:
    """Answers with one wall."""

    def __init__(self) -> None:
        self.asked: list[tuple[Within, str | None]] = []

    def wall(self, within: Within, service_name: str | None) -> SignalsWall:
        """The story."""
        self.asked.append((within, service_name))
        return wall(*STORY)

    def series(self, within: Within, **asked: Any) -> list[SignalSeries]:
        """A gap among rising figures."""
        figures = (1.0, None, 2.0, 3.0)
        return [SignalSeries(asked["service"], within.start or 0, 30, *[figures] * 6)]

    def endpoints(self, name: str, within: Within) -> list[RequestSignals]:
        """One."""
        self.asked.append((within, name))
        return [service(name, operation="POST /pay")]


@pytest.fixture
def signals(desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> FakeSignals:
    """The signals of the desk behind `url`."""
    fake = FakeSignals()
    monkeypatch.setattr(desk, "signals", fake, raising=False)
    return fake


def test_the_command_prints_the_wall(tocsin: Tocsin, url: str, signals: FakeSignals) -> None:
    """Of the window that is asked for, of all services or of one with its endpoints."""
    outcome = tocsin("signals", "--last", "1h", "--url", url)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("BREACH  1 service breaches: checkout")
    (within, name), *_ = signals.asked
    assert ((within.end or 0) - (within.start or 0), name) == (3600 * SECOND, None)
    text = tocsin("signals", "checkout", "--url", url).out
    assert lines_with(text, "POST /pay")
    assert lines_with(text, "latency p95", "▁ ▅█")
    assert "how long requests take: 10.0 ms █      ▁ 20.0 ms" in text
    assert [name for _, name in signals.asked[1:]] == ["checkout", "checkout"]


def test_json_is_the_apis_own(tocsin: Tocsin, url: str, signals: FakeSignals) -> None:
    """For programs; drawing for people at the same time is refused."""
    outcome = tocsin("signals", "--json", "--url", url)
    assert json.loads(outcome.out)["services"][0]["service"] == "checkout"
    assert len(signals.asked) == 1
    refused = tocsin("signals", "--json", "--watch", "--url", url)
    assert refused.code == 2
    assert "leave out one of them" in refused.err
