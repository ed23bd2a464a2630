"""
A ClickHouse server's HTTP interface in front of the embedded engine, for tests: what `ClickHouseEngine` sends goes through it for real.

It takes the query from the URL or the body, settings and `param_NAME` from the URL, a body in FORMAT Protobuf or RowBinary behind
`input(structure)`, and answers failures with the status and the header `X-ClickHouse-Exception-Code` that a server gives.

Source: ClickHouse documentation, HTTP interface.
"""

from __future__ import annotations

import base64
import queue
import re
import tempfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import chdb

from tocsin.store.sql import quote_string

USER, PASSWORD = "tocsin", "p@ss/wörd"
NOT_SETTINGS = {"query", "wait_end_of_query", "database", "default_format", "user", "password"}
AUTHENTICATION_FAILED, CANNOT_PARSE_TEXT, UNKNOWN_DATABASE = 516, 6, 81
STATUSES = {AUTHENTICATION_FAILED: 403, CANNOT_PARSE_TEXT: 400, 62: 400, 60: 404, UNKNOWN_DATABASE: 404, 159: 408}  # all others: 500
INPUT = re.compile(r"\binput\('((?:[^'\\]|\\.)*)'\)")
CONNECTIONS = 4


class ClickHouseDouble:
    """
    A server on the loopback interface over the embedded engine in `directory`; `url` has its address with credentials.

    `requests` has the arguments of each request, in order of arrival; `failure` answers the next requests with that code and message.
    """

    def __init__(self, directory: Path) -> None:
        self.requests: list[dict[str, str]] = []
        self.failure: tuple[int, str] | None = None
        self._directory = directory
        self._closed = False
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(CONNECTIONS):
            self._idle.put(_connect(directory))
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                double._answer(self)

            def log_message(self, *arguments: object) -> None:
                """Tests say what they need themselves."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, with user and password."""
        return self.address(PASSWORD)

    def address(self, password: str, *, database: str = "default") -> str:
        """Its address with another password or database."""
        return f"http://{USER}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        """Stop listening, close the engine."""
        self._closed = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
        for _ in range(CONNECTIONS):
            self._idle.get().close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self._closed:
            handler.close_connection = True  # a connection that was kept open: hang up without an answer, as a server that ends does
            return
        body = _body(handler)
        arguments = dict(parse_qsl(urlsplit(handler.path).query, keep_blank_values=True, strict_parsing=True))
        self.requests.append(arguments)
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if handler.headers.get("Authorization") != expected:
            message = f"{USER}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"
            _refuse(handler, AUTHENTICATION_FAILED, message)
        elif self.failure is not None:
            _refuse(handler, *self.failure)
        elif arguments.get("database", "default") != "default":
            _refuse(handler, UNKNOWN_DATABASE, f"Database {arguments['database']} does not exist. (UNKNOWN_DATABASE)")
        else:
            self._run(handler, arguments, body)

    def _run(self, handler: BaseHTTPRequestHandler, arguments: Mapping[str, str], body: bytes) -> None:
        parameters = {name.removeprefix("param_"): text for name, text in arguments.items() if name.startswith("param_")}
        settings = {name: text for name, text in arguments.items() if name not in NOT_SETTINGS and not name.startswith("param_")}
        connection = self._idle.get()
        try:
            if "query" in arguments:
                with tempfile.NamedTemporaryFile(dir=self._directory) as file:
                    file.write(body)
                    file.flush()
                    answer = connection.query(_insert(arguments["query"], file.name, settings), "Null", params=parameters or None)
            else:
                text = f"{body.decode()}\nSETTINGS {_settings(settings)}" if settings else body.decode()
                answer = connection.query(text, arguments.get("default_format", "TabSeparated"), params=parameters or None)
            _send(handler, 200, bytes(answer.bytes()) if answer is not None else b"", {})
        except Exception as error:  # noqa: BLE001 - chDB raises RuntimeError and others; a server answers whatever happens
            connection.close()  # what was written of a failed answer would come out in front of the next one
            connection = _connect(self._directory)
            match = re.search(r"Code: (\d+)\. DB::Exception: (.*)", str(error), re.DOTALL)
            _refuse(handler, int(match[1]) if match else 1, match[2] if match else str(error))
        finally:
            self._idle.put(connection)


def _connect(directory: Path) -> Any:
    connect: Any = chdb.connect
    return connect(f"{directory}?max_query_size=4000000")


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    body = bytearray()
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return bytes(body)


def _insert(query: str, path: str, settings: Mapping[str, str]) -> str:
    """The statement with the body's file in the place of `input(...)`."""
    statement, _, body_format = query.rpartition("FORMAT ")
    assert body_format in ("Protobuf", "RowBinary"), "what stands in the body is said at the end of the statement"
    text, replaced = INPUT.subn(lambda match: f"file({quote_string(path)}, '{body_format}', '{match[1]}')", statement)
    assert replaced == 1
    clause = f"\nSETTINGS {_settings(settings)}\n" if settings else ""
    return re.sub(r"^(INSERT INTO \w+ \([^)]*\))", lambda match: match[1] + clause, text)


def _settings(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {text if re.fullmatch(r'-?[0-9]+', text) else quote_string(text)}" for name, text in settings.items())


def _refuse(handler: BaseHTTPRequestHandler, code: int, message: str) -> None:
    text = f"Code: {code}. DB::Exception: {message} (version 26.9.1.1)\n"
    _send(handler, STATUSES.get(code, 500), text.encode(), {"X-ClickHouse-Exception-Code": str(code)})


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    handler.send_response(status)
    for name, text in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, text)
    handler.end_headers()
    handler.wfile.write(body)
