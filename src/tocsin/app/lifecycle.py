"""
One process from start to end.

    listen on the ports (not answering yet) -> journal (lock, recovery) -> engine -> loader -> gRPC -> HTTP
    SIGTERM, SIGINT: HTTP and gRPC take no more and finish what they have -> loader drains, up to drain_s -> journal -> engine

The journal stays open until the doors are shut, so whatever was being received is still acknowledged or refused properly.
A second signal ends the waiting: what was acknowledged is in the journal, and the next start loads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import uvicorn

from tocsin.api.application import create_application
from tocsin.api.browser import LOOPBACK_NAMES
from tocsin.api.exposition import render
from tocsin.api.otlp_http import OtlpHttp
from tocsin.api.readiness import Dependency, Readiness
from tocsin.app.address import Address
from tocsin.app.house import House
from tocsin.app.lag import LagWatch
from tocsin.app.options import Options
from tocsin.app.process import ProcessWatch
from tocsin.app.prometheus_doors import PrometheusDoors
from tocsin.errors import ConfigError, TocsinError
from tocsin.state.watch import StateWatch
from tocsin.wire.door import Door
from tocsin.wire.otlp_grpc import GrpcServer

LOOK_INTERVAL_S = 1.0
KEEP_ALIVE_S = 75  # longer than the 5..60 s in which exporters and dashboards come again
REQUEST_GRACE_S = 10  # how long requests in flight may take to end at a shutdown
LISTEN_BACKLOG = 1024
HURRIED_EXIT = 130  # what shells expect of a process that Ctrl-C ended

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Started:
    """Where the server listens, once it does."""

    http: Address
    grpc: Address


class Server:
    """
    The whole of `tocsin up`.

    Args:
        options: The tree.
        on_started: Called once both ports answer.
    """

    def __init__(self, options: Options, *, on_started: Callable[[Started], None]) -> None:
        self._options = options
        self._on_started = on_started
        self._http: uvicorn.Server | None = None
        self._stopping = 0
        self._draining = False

    def run(self) -> bool:
        """
        Serve until SIGTERM or SIGINT; blocks.

        Returns:
            Whether everything acknowledged was loaded before it ended; if not, the next start does it.

        Raises:
            ConfigError: An address can't be listened on.
            Conflict: Another process has the data directory open.
            JournalError, StoreError: The directory can't be used.
        """
        with _handling_signals(self.stop):
            listener = listen(self._options.server.http_address, key="server.http")
            with contextlib.closing(listener):
                # gRPC binds by itself, later, and says in its own words when it can't: look now, before the engine is loaded for nothing.
                listen(self._options.server.grpc_address, key="server.grpc").close()
                house = House(self._options)
                try:
                    self._serve(house, listener)
                except BaseException:
                    house.close()
                    raise
                self._draining = True
                return house.close(drain_s=0.0 if self._stopping > 1 else self._options.server.drain_s)

    def stop(self) -> None:
        """Begin to end; the second call hurries. For signal handlers, and for other threads."""
        self._stopping += 1
        if self._draining and self._stopping > 1:
            # Threads in the middle of an insert can't be interrupted; the journal has what they were loading.
            os._exit(HURRIED_EXIT)
        if self._http is not None:
            self._http.should_exit = True
            self._http.force_exit = self._stopping > 1

    def _serve(self, house: House, listener: socket.socket) -> None:
        options = self._options
        door = Door(options.wire.door)
        ingest = OtlpHttp(door, house.accept, house.clock, options.wire.http)
        grpc = GrpcServer(str(options.server.grpc_address), door, house.accept, house.clock, options.wire.grpc)
        watch = LagWatch(house.journal.statistics, clock=house.clock)
        state = StateWatch(house.state.database.probe, clock=house.clock)
        statistics: dict[str, Callable[[], object]] = {}
        doors = PrometheusDoors(
            options, house.accept, house.clock, own=lambda: render({name: read() for name, read in statistics.items()}).encode()
        )
        statistics |= {
            "journal": house.journal.statistics,
            "store": house.store.statistics,
            "loader": house.loader.statistics,
            "fold": house.fold.statistics,
            "promql": house.desk.metrics.statistics,
            "door": door.statistics,
            "http": ingest.statistics,
            "grpc": grpc.statistics,
            **doors.statistics(),
            **house.judging.statistics(),
            **house.alerting.statistics(),
            "replay": house.replay.statistics,
            "log_patterns": house.patterns.statistics,
            "process": ProcessWatch().statistics,
        }
        context = house.context(
            options=options.model_dump(mode="json"),
            statistics=statistics,
            targets=doors.collector.targets,
            settle=house.fold.settle,
            series_report=doors.registry.report,
            readiness=lambda: judge_readiness(house, watch, state, options),
        )
        app = create_application(context, ingest=[*ingest.routes(), *doors.routes()], hosts=allowed_hosts(options))
        config = uvicorn.Config(
            app,
            http="httptools",
            loop="uvloop",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=LISTEN_BACKLOG,
            limit_concurrency=options.server.connections_max,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=REQUEST_GRACE_S,
        )
        self._http = _HttpServer(config)
        port = grpc.start()
        doors.start()
        try:
            if self._stopping:
                return
            started = Started(_bound(listener), Address(options.server.grpc_address.host, port))
            self._http.run_until_stopped(listener, on_started=lambda: self._on_started(started), look=watch.look)
        finally:
            logger.info("shutting down: taking no more, loading what was acknowledged")
            doors.stop()
            grpc.stop(grace_s=REQUEST_GRACE_S)


class _HttpServer(uvicorn.Server):
    """uvicorn, with signals left to us and a look at the lag every second."""

    def run_until_stopped(self, listener: socket.socket, *, on_started: Callable[[], None], look: Callable[[], object]) -> None:
        self._on_started = on_started

        async def serve() -> None:
            looking = asyncio.create_task(_look_now_and_then(look))
            try:
                await self.serve(sockets=[listener])
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)

        with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
            runner.run(serve())

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets=sockets)
        self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise the signal again once it has stopped, before the journal is drained."""
        yield


async def _look_now_and_then(look: Callable[[], object]) -> None:
    while True:
        try:
            look()
        except TocsinError as error:
            logger.error("the journal's counters can't be read: %s", error)
        await asyncio.sleep(LOOK_INTERVAL_S)


def judge_readiness(house: House, watch: LagWatch, state: StateWatch, options: Options) -> Readiness:
    """Journal, engine, loader and relational state, each by what it shows."""
    return Readiness.of(
        [_judge_journal(house, options), _judge_engine(house), _judge_loader(house, watch, options), _judge_state(house, state)]
    )


def allowed_hosts(options: Options) -> frozenset[str] | None:
    """Names that the Host header may carry; None for any, where others than this machine are let in anyway."""
    address = options.server.http_address
    if not address.loopback:
        return None
    return frozenset({*LOOPBACK_NAMES, address.host, *options.server.hosts})


def listen(address: Address, *, key: str) -> socket.socket:
    """
    Take the port, without answering on it yet: connections wait in the backlog. `key` names the option that gave the address.

    Raises:
        ConfigError: It is taken, or not this machine's.
    """
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((address.host, address.port), family=family, backlog=LISTEN_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"another program listens on {address} already; stop it, or choose another address with --{key.rpartition('.')[2]}"
        else:
            message = f"cannot listen on {address}: {os.strerror(error.errno) if error.errno and error.errno > 0 else error}"
        raise ConfigError(message, key=key) from error


def _bound(listener: socket.socket) -> Address:
    host, port = listener.getsockname()[:2]
    return Address(host, port)


def _judge_journal(house: House, options: Options) -> Dependency:
    statistics = house.journal.statistics()
    free, needed = statistics.free_bytes, options.journal.free_bytes_min
    if free is not None and free < needed:
        return Dependency("journal", False, f"{free} bytes are free on the disk, {needed} are needed (journal.free_bytes_min)")
    waiting = sum(lane.backlog_bytes + lane.queued_bytes for lane in statistics.lanes.values())
    return Dependency("journal", True, f"{waiting} bytes wait for the engine")


def _judge_engine(house: House) -> Dependency:
    try:
        statistics = house.store.statistics()
    except TocsinError as error:
        return Dependency("engine", False, str(error))
    return Dependency("engine", True, f"answers, {statistics.engine.memory_bytes} bytes of memory")


def _judge_loader(house: House, watch: LagWatch, options: Options) -> Dependency:
    waiting = [(signal, lane) for signal, lane in house.loader.statistics().items() if lane.waiting]
    if waiting:
        signal_, lane = waiting[0]
        return Dependency("loader", False, f"{signal_.value} wait, because the engine says: {lane.last_error}")
    lag_s = max(watch.look().values())
    within = lag_s <= options.server.ready_lag_s_max
    return Dependency("loader", within, f"the oldest acknowledged telemetry waits for {lag_s:.1f} s")


def _judge_state(house: House, state: StateWatch) -> Dependency:
    problem = state.problem()
    return Dependency("state", not problem, problem or f"{house.state.database.address.shown} can be read and written")


@contextlib.contextmanager
def _handling_signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop` instead of ending the process."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
