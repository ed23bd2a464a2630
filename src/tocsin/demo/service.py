"""
One service of the demo as a process: `python -m tocsin.demo.service NAME --fd N --endpoint URL --data DIR`.

The parent has bound the port already and hands the listening socket down (`--fd`), so no port can be lost between choosing and
binding it. The service runs until SIGTERM or until its standard input ends, which also happens when the parent is killed:
nothing is left behind.
"""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import flask
import uvicorn
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from werkzeug.serving import make_server

from tocsin.demo import assistant, gateway, orders, payments
from tocsin.demo.access_log import HEALTH_PATH, AccessLog, install_flask_access_log
from tocsin.demo.chance import Chance
from tocsin.demo.faults.board import FaultBoard
from tocsin.demo.settings import DEMO_VERSION, ServiceSettings
from tocsin.demo.telemetry import start_telemetry

BUILDERS: dict[str, Callable[[ServiceSettings], FastAPI | flask.Flask]] = {
    "gateway": gateway.build,
    "orders": orders.build,
    "payments": payments.build,
    "assistant": assistant.build,
}


@dataclass(frozen=True, slots=True)
class Server:
    """A web server that is ready to run: `run` blocks until `stop` is called from another thread."""

    run: Callable[[], None]
    stop: Callable[[], None]


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop; the telemetry that is still waiting leaves before the process does."""
    options = _parse(arguments)
    telemetry = start_telemetry(options.name, options.endpoint, options.version)
    _instrument_libraries()
    peers = dict(peer.split("=", 1) for peer in options.peer)
    settings = ServiceSettings(
        data=options.data, chance=Chance(options.seed), peers=peers, faults=FaultBoard(options.faults), version=options.version
    )
    app = BUILDERS[options.name](settings)
    serve_until_stopped(server_for(app, socket.socket(fileno=options.fd)))
    telemetry.shutdown()


def server_for(app: FastAPI | flask.Flask, listener: socket.socket) -> Server:
    """
    The usual server of the framework, instrumented, on a socket that listens already.

    The access log comes after the instrumentation, so that its records lie inside the server span.
    """
    if isinstance(app, flask.Flask):
        FlaskInstrumentor().instrument_app(app, excluded_urls=HEALTH_PATH)
        install_flask_access_log(app)
        host, port = listener.getsockname()
        wsgi = make_server(host, port, app, threaded=True, fd=listener.fileno())
        return Server(run=wsgi.serve_forever, stop=wsgi.shutdown)
    FastAPIInstrumentor.instrument_app(app, excluded_urls=HEALTH_PATH, exclude_spans=["receive", "send"])
    app.add_middleware(AccessLog)
    asgi = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))

    def stop() -> None:
        asgi.should_exit = True

    return Server(run=lambda: asgi.run(sockets=[listener]), stop=stop)


def serve_until_stopped(server: Server) -> None:
    """Run the server in a thread; return when it ended, or was stopped by SIGTERM or the end of standard input."""
    over = threading.Event()

    def serve() -> None:
        try:
            server.run()
        finally:
            over.set()

    def watch_parent() -> None:
        sys.stdin.buffer.read()
        over.set()

    signal.signal(signal.SIGTERM, lambda *_: over.set())
    thread = threading.Thread(target=serve, name="server")
    thread.start()
    threading.Thread(target=watch_parent, name="parent-watch", daemon=True).start()
    over.wait()
    server.stop()
    thread.join()


def _instrument_libraries() -> None:
    for instrumentor in (HTTPXClientInstrumentor(), RequestsInstrumentor(), SQLite3Instrumentor()):
        instrumentor.instrument()


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tocsin.demo.service", description="One service of the demo.")
    parser.add_argument("name", choices=sorted(BUILDERS))
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the listening socket")
    parser.add_argument("--endpoint", required=True, help="base address of the OTLP/HTTP receiver")
    parser.add_argument("--data", type=Path, required=True, help="folder for the database")
    parser.add_argument("--seed", type=int, default=1, help="what chance depends on")
    parser.add_argument("--faults", type=Path, default=None, help="the board that says what is broken")
    parser.add_argument("--version", default=DEMO_VERSION, help="the service's version")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=URL", help="a service to call")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
