"""Receivers of notifications on the loopback: they take down what comes, and answer what a test says."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CERTIFICATE_HOST = "localhost"


@dataclass(frozen=True)
class Request:
    """What came: method, path with query, headers in lower case, body."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is answered."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpReceiver:
    """An HTTP server that keeps requests; `answers` are given one after another, the last for ever."""

    def __init__(self, *answers: Answer, wrap: Callable[[Any], Any] | None = None) -> None:
        self.requests: list[Request] = []
        self.before_answer: Callable[[], object] = lambda: None
        self._answers = list(answers) or [Answer()]
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(Request(self.command, self.path, headers, body))
                receiver.before_answer()
                answer = receiver._answers.pop(0) if len(receiver._answers) > 1 else receiver._answers[0]
                data = answer.body.encode()
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(data)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_PUT = do_GET = handle_any  # noqa: N815 - the library looks for these names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if wrap is not None:
            self._server.socket = wrap(self._server.socket)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if wrap else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def request(self) -> Request:
        """The only one."""
        assert len(self.requests) == 1, self.requests
        return self.requests[0]

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextmanager
def http_receiver(*answers: Answer, wrap: Callable[[Any], Any] | None = None) -> Iterator[HttpReceiver]:
    """A receiver while the block runs."""
    receiver = HttpReceiver(*answers, wrap=wrap)
    try:
        yield receiver
    finally:
        receiver.stop()


@dataclass
class Mail:
    """What a mail server was given."""

    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    data: bytes = b""

    @property
    def message(self) -> EmailMessage:
        """The mail, read."""
        read = message_from_bytes(self.data, policy=default)
        assert isinstance(read, EmailMessage)
        return read


class MailServer:
    """
    A mail server that takes one connection after another.

    Args:
        auth: Ways to log in that it offers; the password is `secret-pass`.
        tls: With it STARTTLS is offered.
        replies: What it answers to a command in place of what is usual: `{"RCPT": "550 no such user"}`.
    """

    def __init__(self, *, auth: str = "", tls: ssl.SSLContext | None = None, replies: Mapping[str, str] | None = None) -> None:
        self.mails: list[Mail] = []
        self.commands: list[str] = []
        self.logins: list[tuple[str, ...]] = []
        self._auth, self._tls, self._replies = auth, tls, dict(replies or {})
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        with socket.socket() as waker:  # accept would not notice a closed socket
            self._stopping = True
            waker.connect(("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()

    _stopping = False

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._stopping:
                connection.close()
                return
            connection.settimeout(5)
            with suppress(OSError):
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        mail, stream = Mail(), connection.makefile("rwb")
        self._say(stream, "220 here")
        while line := stream.readline():
            command = line.decode().strip()
            self.commands.append(command)
            verb = command.split(" ")[0].upper()
            if verb in self._replies:
                self._say(stream, self._replies[verb])
            elif verb == "STARTTLS" and self._tls:
                self._say(stream, "220 go on")
                stream.close()
                connection = self._tls.wrap_socket(connection, server_side=True)
                stream = connection.makefile("rwb")
            elif verb == "AUTH":
                self._login(command, stream)
            elif verb == "DATA":
                self._say(stream, "354 go on")
                mail.data = b"".join(part.removeprefix(b".") for part in iter(stream.readline, b".\r\n"))
                self.mails.append(mail)
                mail = Mail()
                self._say(stream, "250 queued as 7")
            else:
                self._answer(verb, command, mail, stream, secure=isinstance(connection, ssl.SSLSocket))
            if verb == "QUIT":
                break
        stream.close()
        connection.close()

    def _answer(self, verb: str, command: str, mail: Mail, stream: Any, *, secure: bool) -> None:
        address = command.partition("<")[2].partition(">")[0]
        if verb == "MAIL":
            mail.sender = address
        elif verb == "RCPT":
            mail.recipients.append(address)
        elif verb == "EHLO":
            features = ["here", *(["STARTTLS"] if self._tls and not secure else []), *([f"AUTH {self._auth}"] if self._auth else [])]
            for feature in features:
                self._say(stream, f"250-{feature}")
        self._say(stream, "250 8BITMIME")

    def _say(self, stream: Any, text: str) -> None:
        stream.write(text.encode() + b"\r\n")
        stream.flush()

    def _login(self, command: str, stream: Any) -> None:
        _, way, *initial = command.split(" ")

        def ask(prompt: str) -> str:
            self._say(stream, f"334 {base64.b64encode(prompt.encode()).decode()}")
            return base64.b64decode(stream.readline().strip()).decode()

        if way == "PLAIN":
            found = tuple(base64.b64decode(initial[0]).decode().split("\0")) if initial else tuple(ask("").split("\0"))
        elif way == "LOGIN":
            user = base64.b64decode(initial[0]).decode() if initial else ask("Username:")
            found = (user, ask("Password:"))
        else:
            found = tuple(ask("<challenge>").split(" "))
        self.logins.append((way, *found))
        self._say(stream, "235 ok" if found[-1] == "secret-pass" or way == "CRAM-MD5" else f"535 wrong: {found[-1]}")


@contextmanager
def mail_server(*, auth: str = "", tls: ssl.SSLContext | None = None, replies: Mapping[str, str] | None = None) -> Iterator[MailServer]:
    """A mail server while the block runs."""
    server = MailServer(auth=auth, tls=tls, replies=replies)
    try:
        yield server
    finally:
        server.stop()
