"""
The demo as a whole: four processes, their load, and an orderly end.

Whatever ends it (Ctrl-C, SIGTERM, the duration, a service that dies, an error here), every process that was started is stopped by
its own id; and since each service also watches its standard input, even a kill -9 of this process leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tocsin.clock import Entropy, RealEntropy
from tocsin.demo.access_log import HEALTH_PATH
from tocsin.demo.chance import Chance
from tocsin.demo.faults.board import LOOK_INTERVAL_S, FaultBoard
from tocsin.demo.faults.catalog import STORIES
from tocsin.demo.load import Load, LoadStatistics
from tocsin.demo.settings import DEMO_VERSION
from tocsin.errors import InvalidInput, TocsinError

SERVICES: dict[str, tuple[str, ...]] = {  # each with the services that it calls
    "payments": (),
    "orders": ("payments",),
    "assistant": (),
    "gateway": ("orders", "assistant"),
}
RATE_PER_S_MAX = 200.0  # Flask's threaded server and two cores: beyond this the demo only measures itself
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0  # three exporters, five seconds each, when nobody receives any more
LOG_TAIL_BYTES = 2_000
HEALTH_INTERVAL_S = 0.1


class ServiceDiedError(TocsinError):
    """A service of the demo ended by itself; the message carries its last words."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """
    What to run.

    Args:
        endpoint: Base address of an OTLP/HTTP receiver.
        rate_per_s: Mean requests per second from outside, > 0 and <= RATE_PER_S_MAX; each makes 5 to 15 spans.
        seed: The same seed brings the same customers, latencies and failures.
        duration_s: Seconds of load, > 0; None runs until it is stopped.
        board: File that says what is broken, see `faults.board`; None: one of this run alone, which nobody can write.
    """

    endpoint: str = "http://127.0.0.1:4318"
    rate_per_s: float = 5.0
    seed: int = 1
    duration_s: float | None = None
    board: Path | None = None

    def __post_init__(self) -> None:
        if urlsplit(self.endpoint).scheme not in {"http", "https"} or not urlsplit(self.endpoint).hostname:
            raise InvalidInput(f"endpoint {self.endpoint!r} is not an http address; write http://127.0.0.1:4318")
        if not 0 < self.rate_per_s <= RATE_PER_S_MAX:
            raise InvalidInput(f"rate {self.rate_per_s:g} is not between 0 and {RATE_PER_S_MAX:g} requests per second")
        if self.duration_s is not None and self.duration_s <= 0:
            raise InvalidInput(f"duration {self.duration_s:g} s is not above 0")


def run(settings: DemoSettings, *, say: Callable[[str], None], entropy: Entropy | None = None) -> LoadStatistics:
    """
    Run the demo until its duration is over, or SIGINT or SIGTERM arrives (when called on the main thread).

    Args:
        settings: What to run.
        say: Takes a line for the human who watches.
        entropy: Sets this run's request ids apart from those of other runs.

    Returns:
        What the customers met.

    Raises:
        ServiceDiedError: A service ended by itself; the others were stopped.
    """
    run_name = (entropy or RealEntropy()).token_hex(2)
    return asyncio.run(Demo(settings, say=say, run_name=run_name).run())


class Demo:
    """One run of the system."""

    def __init__(self, settings: DemoSettings, *, say: Callable[[str], None], run_name: str) -> None:
        self._settings = settings
        self._say = say
        self._run_name = run_name
        self._faults = FaultBoard(settings.board)
        self._processes: dict[str, ServiceProcess] = {}
        self._listeners: dict[str, socket.socket] = {}
        self._deaths: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> LoadStatistics:
        """Start, drive, stop; see the module's `run`."""
        stopped = asyncio.Event()
        _on_stop_signals(stopped.set)
        with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as folder:
            try:
                await self._start(Path(folder))
                return await self._drive(stopped)
            finally:
                await self._stop()

    async def _start(self, data: Path) -> None:
        if not await _listens(self._settings.endpoint):
            self._say(f"nothing listens at {self._settings.endpoint} yet: telemetry is dropped until something does (start `tocsin up`)")
        self._listeners = {name: _listen() for name in SERVICES}
        self._data = data
        for name in SERVICES:
            self._processes[name] = await self._started(name, DEMO_VERSION)
        for name in SERVICES.keys() - {story.service for story in STORIES.values()}:
            # The children hold their own copies; ours would keep the port of a dead service answering with silence.
            self._listeners.pop(name).close()
        await asyncio.gather(*(process.healthy() for process in self._processes.values()))
        for process in self._processes.values():
            self._say(f"{process.name:<10} {process.address}  process {process.pid}")

    async def _started(self, name: str, version: str) -> ServiceProcess:
        addresses = {peer: process.address for peer, process in self._processes.items()}
        listener = self._listeners[name]
        command = _service_command(name, listener.fileno(), self._settings, self._data, {peer: addresses[peer] for peer in SERVICES[name]})
        command += ["--version", version]
        log = self._data / f"{name}-{version}.log"
        return await ServiceProcess.start(name, command, listener.fileno(), _address_of(listener), log, version)

    async def _drive(self, stopped: asyncio.Event) -> LoadStatistics:
        load = Load(
            self._processes["gateway"].address,
            chance=Chance(self._settings.seed),
            rate_per_s=self._settings.rate_per_s,
            run=self._run_name,
            on_failure=lambda request_id, what: self._say(f"{request_id} failed: {what}"),
            faults=self._faults,
        )
        self._say(f"{self._settings.rate_per_s:g} requests per second, telemetry to {self._settings.endpoint}; Ctrl-C stops")
        driving = asyncio.create_task(load.drive(), name="load")
        dying = asyncio.create_task(self._until_one_dies(), name="deaths")
        deploying = asyncio.create_task(self._deploy_with_faults(), name="deploy")
        stopping = asyncio.create_task(stopped.wait(), name="stop")
        tasks: list[asyncio.Task[None] | asyncio.Task[bool]] = [driving, stopping, dying, deploying]
        try:
            done, _ = await asyncio.wait(tasks, timeout=self._settings.duration_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises what ended it
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return load.statistics()

    async def _until_one_dies(self) -> None:
        """Raise as soon as a service ends by itself; one that is replaced does not count."""
        self._deaths = {name: asyncio.create_task(process.died(), name=name) for name, process in self._processes.items()}
        try:
            while True:
                done, _ = await asyncio.wait(self._deaths.values(), timeout=LOOK_INTERVAL_S, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if task in self._deaths.values():
                        task.result()
        finally:
            for task in self._deaths.values():
                task.cancel()

    async def _deploy_with_faults(self) -> None:
        """Run the version that the faults ask for: deployed when one begins, rolled back when it ends."""
        while True:
            for name in {story.service for story in STORIES.values() if story.service}:
                asked = [story.version for fault, story in STORIES.items() if story.service == name and self._faults.holds(fault)]
                version = asked[0] if asked else DEMO_VERSION
                if self._processes[name].version != version:
                    await self._replace(name, version)
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def _replace(self, name: str, version: str) -> None:
        """Both versions serve on one socket until the old one has left, as behind any load balancer."""
        old, new = self._processes[name], await self._started(name, version)
        self._deaths.pop(name).cancel()
        self._processes[name] = new
        await new.healthy()
        self._deaths[name] = asyncio.create_task(new.died(), name=name)
        await old.stop()
        self._say(f"{name} {version} is deployed in place of {old.version}")
        await self._mark(name, version, old.version)

    async def _mark(self, name: str, version: str, previous: str) -> None:
        """Tell the receiver, as a deploy pipeline would; what is no Tocsin refuses that, and need not know."""
        mark = {"service": name, "version": version, "previous_version": previous, "author": "demo", "environment": "demo"}
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient(timeout=STOP_TIMEOUT_S, trust_env=False) as client:
                await client.post(f"{self._settings.endpoint.rstrip('/')}/api/deployments", json=mark)

    async def _stop(self) -> None:
        for listener in self._listeners.values():
            listener.close()
        await asyncio.gather(*(process.stop() for process in self._processes.values()))
        if self._processes:
            self._say(f"stopped {', '.join(self._processes)}")


class ServiceProcess:
    """A child process that serves, and its output in a file."""

    def __init__(self, name: str, address: str, process: asyncio.subprocess.Process, log: Path, version: str) -> None:
        self.name = name
        self.address = address
        self.version = version
        self._process = process
        self._log = log

    @classmethod
    async def start(cls, name: str, command: list[str], listener: int, address: str, log: Path, version: str) -> ServiceProcess:
        """Start the command with the listening socket; a session of its own keeps the terminal's Ctrl-C away from it."""
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(listener,),
                start_new_session=True,
                env=_child_environment(),
            )
        return cls(name, address, process, log, version)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def healthy(self) -> None:
        """
        Return once it answers its health check.

        Raises:
            ServiceDiedError: It ended before, or took longer than START_TIMEOUT_S.
        """
        answer = asyncio.create_task(self._answered())
        death = asyncio.create_task(self.died())
        await asyncio.wait((answer, death), return_when=asyncio.FIRST_COMPLETED, timeout=START_TIMEOUT_S)
        for task in (answer, death):
            task.cancel()
        answered, died = await asyncio.gather(answer, death, return_exceptions=True)
        if isinstance(died, ServiceDiedError):
            raise died
        if answered is not None:
            raise ServiceDiedError(f"{self.name} does not answer {HEALTH_PATH} within {START_TIMEOUT_S:g} s; {self._last_words()}")

    async def _answered(self) -> None:
        """Ask until it answers; beside it an older version may answer on the same socket."""
        while True:
            # A connection for each question: one that is kept would go on talking to the other version.
            async with httpx.AsyncClient(timeout=START_TIMEOUT_S, trust_env=False) as client:
                response = await client.get(self.address + HEALTH_PATH)
            if response.is_success and response.json().get("version", self.version) == self.version:
                return
            await asyncio.sleep(HEALTH_INTERVAL_S)

    async def died(self) -> None:
        """
        Wait for its end.

        Raises:
            ServiceDiedError: Always, once it has ended.
        """
        status = await self._process.wait()
        raise ServiceDiedError(f"{self.name} (process {self.pid}) ended by itself with status {status}; {self._last_words()}")

    async def stop(self) -> None:
        """End its standard input, which asks it to leave; kill it if it has not after STOP_TIMEOUT_S."""
        assert self._process.stdin is not None, "BUG: services are started with a pipe as standard input"
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _last_words(self) -> str:
        words = self._log.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace").strip()
        return f"its last words:\n{words}" if words else "it said nothing"


def _service_command(name: str, listener: int, settings: DemoSettings, data: Path, peers: dict[str, str]) -> list[str]:
    command = [sys.executable, "-m", "tocsin.demo.service", name, "--fd", str(listener), "--endpoint", settings.endpoint]
    command += ["--data", str(data), "--seed", str(settings.seed)]
    if settings.board is not None:
        command += ["--faults", str(settings.board)]
    for peer, address in peers.items():
        command += ["--peer", f"{peer}={address}"]
    return command


def _child_environment() -> dict[str, str]:
    # OTEL_* of the surrounding shell would change what the demo sends; the stable names of HTTP and database attributes are asked for.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return {**inherited, "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database", "PYTHONUNBUFFERED": "1"}


def _listen() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.set_inheritable(True)
    return listener


def _address_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def _listens(endpoint: str) -> bool:
    address = urlsplit(endpoint)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address.hostname, port), timeout=2)
    except OSError:
        return False
    writer.close()
    return True


def _on_stop_signals(stop: Callable[[], None]) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)
