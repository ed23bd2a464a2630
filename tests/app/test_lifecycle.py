"""The whole process: started as people start it, asked, stopped by a signal."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from tests.app.otlp import logs_batch, logs_body

import tocsin
from tocsin.api.readiness import Readiness
from tocsin.app.address import Address
from tocsin.app.house import House, options_for
from tocsin.app.lag import LagWatch
from tocsin.app.lifecycle import allowed_hosts, judge_readiness, listen
from tocsin.app.option_sources import load
from tocsin.cli.reference import SOURCES
from tocsin.errors import ConfigError, StoreError
from tocsin.state.watch import StateWatch

pytestmark = pytest.mark.slow

EXPORT_LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 60.0


class Running:
    """A server process: where it listens, and how it ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        # A server that never says where it listens must not hang the test: then it is ended, and reading stops.
        watchdog = threading.Timer(START_TIMEOUT_S, process.kill)
        watchdog.start()
        said = ""
        assert process.stdout is not None
        while not (found := re.search(r"OTLP/HTTP +(\S+)[\s\S]+OTLP/gRPC +(\S+)\n", said)):
            line = process.stdout.readline()
            assert line, f"ended before it was up: {said}"
            said += line
        watchdog.cancel()
        self.url, self.grpc = found[1], found[2]

    def post(self, body: bytes) -> httpx.Response:
        """Send log records by OTLP over HTTP."""
        return httpx.post(f"{self.url}/v1/logs", content=body, headers={"Content-Type": "application/x-protobuf"}, trust_env=False)

    def get(self, path: str) -> Any:
        """Ask the JSON API."""
        return httpx.get(self.url + path, trust_env=False, timeout=30).raise_for_status().json()

    def stop(self) -> tuple[int, str]:
        """SIGTERM; returns the exit code and the last words."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=STOP_TIMEOUT_S)
        return self.process.returncode, out


Start = Callable[..., Running]


def _command(data: Path, *arguments: str) -> list[str]:
    addresses = [] if "--http" in arguments else ["--http", "127.0.0.1:0"]
    addresses += [] if "--grpc" in arguments else ["--grpc", "127.0.0.1:0"]
    return [sys.executable, "-m", "tocsin", "up", "--data", str(data), *addresses, *arguments]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers on `tmp_path/data`; what a test leaves running is ended."""
    running: list[Running] = []

    def begin(*arguments: str) -> Running:
        # The log goes to a file: a pipe that nobody reads would stop the server once it is full.
        with (tmp_path / f"log-{len(running)}.txt").open("w") as log:
            process = subprocess.Popen(_command(tmp_path / "data", *arguments), stdout=subprocess.PIPE, stderr=log, text=True)
        running.append(Running(process))
        return running[-1]

    yield begin
    for server in running:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()


def test_what_is_acknowledged_is_there_after_a_restart(start: Start) -> None:
    """Telemetry over HTTP and gRPC, a clean end, a new start: both records, once."""
    server = start()
    assert server.post(logs_body("by http")).status_code == 200
    with grpc.insecure_channel(server.grpc) as channel:
        channel.unary_unary(EXPORT_LOGS)(logs_body("by grpc"), timeout=10)
    code, words = server.stop()
    assert (code, "everything acknowledged is stored" in words) == (0, True)
    server = start()
    records = server.get("/api/logs?start=2026-03-02&end=2026-03-03")["records"]
    assert sorted(record["body"] for record in records) == ["by grpc", "by http"]
    assert server.stop()[0] == 0


def test_it_says_how_it_is(start: Start) -> None:
    """Probes, metrics with real figures, the status with options and without secrets."""
    server = start()
    server.post(logs_body("a", "b"))
    assert httpx.get(f"{server.url}/healthz", trust_env=False).text == "alive\n"
    assert [part["name"] for part in server.get("/readyz")["dependencies"]] == ["journal", "engine", "loader", "state"]
    metrics = httpx.get(f"{server.url}/metrics", trust_env=False).text
    assert 'tocsin_journal_acknowledged_records_total{signal="logs"} 2\n' in metrics
    assert 'tocsin_http_accepted_total{signal="logs"} 2\n' in metrics
    exposed = set(re.findall(r"^# TYPE (\S+)", metrics, re.MULTILINE))
    assert exposed <= set(re.findall(r"^\| `(tocsin_\w+)`", METRICS_PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert float(re.findall(r"^tocsin_process_resident_memory_bytes (.+)$", metrics, re.MULTILINE)[0]) > 1e6
    assert set(server.get("/api/status")["statistics"]) == set(SOURCES)


def test_a_second_one_on_the_same_data_is_refused(start: Start, tmp_path: Path) -> None:
    """One sentence, exit code 5, and the first goes on."""
    server = start()
    second = subprocess.run(_command(tmp_path / "data"), capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False)
    assert second.returncode == 5
    assert second.stderr.count("\n") == 1
    assert f"in use by process {server.process.pid}" in second.stderr
    assert server.get("/readyz")["ready"]


@pytest.mark.parametrize("flag", ["--http", "--grpc"])
def test_a_busy_port_is_said(tmp_path: Path, flag: str) -> None:
    """One sentence that names the address and the flag, exit code 5, before anything is opened."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = _command(tmp_path / "data", flag, address)
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False)
    assert outcome.returncode == 5
    assert outcome.stderr == (
        f"not started: another program listens on {address} already; stop it, or choose another address with {flag}\n"
    )
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_is_none_is_said(tmp_path: Path) -> None:
    """One sentence, exit code 5."""
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    outcome = subprocess.run(_command(tmp_path / "data"), capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False)
    assert outcome.returncode == 5
    assert outcome.stderr.startswith("not started: the journal ")
    assert outcome.stderr.count("\n") == 1


def test_a_replayed_clock_is_what_now_means(start: Start) -> None:
    """With --clock in 2026-03-02, the default hour is that of the replay."""
    server = start("--clock", "2026-03-02T09:31:00Z@0x")
    server.post(logs_body("then"))
    now = server.get("/api/status")["now"]
    assert now == "2026-03-02T09:31:00.000000000Z"
    server.stop()
    records = start("--clock", "2026-03-02T09:31:00Z@0x").get("/api/logs")["records"]
    assert [record["body"] for record in records] == ["then"]


def test_any_working_directory_will_do(tmp_path: Path) -> None:
    """Started where nothing can be written, as service managers do (`/`), telemetry is stored all the same, and nothing is left there."""
    # /proc takes no files, not even from root.
    process = subprocess.Popen(_command(tmp_path / "data"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd="/proc")
    try:
        server = Running(process)
        server.post(logs_body("stored"))
        assert server.stop()[0] == 0
    finally:
        process.kill()
    with tocsin.open(tmp_path / "data") as desk:
        assert [record.body for record in desk.logs().records] == ["stored"]


def test_wrong_options_stop_it_before_it_starts(tmp_path: Path) -> None:
    """Every mistake of the command line, exit code 2."""
    outcome = subprocess.run(
        _command(tmp_path / "data", "--http", "0.0.0.0:0", "--clock", "then"), capture_output=True, text=True, timeout=60, check=False
    )
    assert outcome.returncode == 2
    assert "--http: server.http: expected an address of this machine only" in outcome.stderr
    assert "--clock: clock.start: expected 'real' or an instant" in outcome.stderr


def test_listening_on_loopback_knows_its_names() -> None:
    """The Host header may carry this machine's names and those of server.hosts; listening for all, any."""
    options = load(environment={"TOCSIN_SERVER__HOSTS": "[desk.test]"})
    assert allowed_hosts(options) == frozenset({"localhost", "127.0.0.1", "::1", "desk.test"})
    unprotected = {"server.http": ("--http", "0.0.0.0:0"), "server.listen_unprotected": ("--listen-unprotected", True)}
    assert allowed_hosts(load(flags=unprotected)) is None


def test_an_address_of_another_machine_can_not_be_listened_on() -> None:
    """The reason is the operating system's own."""
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1:0"):
        listen(Address("192.0.2.1", 0), key="server.http")


def test_readiness_names_what_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, a silent engine and a relational state that was deleted are each named."""

    def broken(readiness: Readiness) -> list[str]:
        return [part.name for part in readiness.dependencies if not part.works]

    def fail() -> None:
        raise StoreError("the engine is closed")

    options = options_for(tmp_path)
    with House(options) as house:
        watch = LagWatch(house.journal.statistics, clock=house.clock)
        state = StateWatch(house.state.database.probe, clock=house.clock)
        assert judge_readiness(house, watch, state, options).ready
        with monkeypatch.context() as patch:
            patch.setattr(house.store, "statistics", fail)
            assert broken(judge_readiness(house, watch, state, options)) == ["engine"]
        house.accept(logs_batch("makes the journal look at its disk")).result(10)
        hungry = options.model_copy(update={"journal": options.journal.model_copy(update={"free_bytes_min": 2**62})})
        assert broken(judge_readiness(house, watch, state, hungry)) == ["journal"]
        assert judge_readiness(house, watch, state, options).ready
        (tmp_path / "state.sqlite").unlink()
        later = StateWatch(house.state.database.probe, clock=house.clock)
        assert broken(judge_readiness(house, watch, later, options)) == ["state"]
