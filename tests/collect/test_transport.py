"""HTTP to targets that are well, slow, huge, broken, secret, or elsewhere: a body, or a sentence, within limits."""

from __future__ import annotations

import asyncio
import gzip
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests.collect.builders import TEXT, job_of, reply, server_of
from tests.collect.certificate import wrap_in_tls, write_files

from tocsin.collect.options import DEFAULT_PROTOCOLS, GlobalOptions
from tocsin.collect.transport import Answer, Budget, HttpTransport, ScrapeFailed, accept_header
from tocsin.errors import LimitExceeded, Timeout, TocsinError


def fetch(url: str, *, timeout_s: float = 5.0, budget: Budget | None = None, **options: Any) -> Answer:
    """The answer of a target, asked by a job with these options."""
    budget = budget or Budget(1 << 20)

    async def run() -> Answer:
        transport = HttpTransport(job_of(**options), GlobalOptions(), budget=budget)
        try:
            with budget.share() as share:
                return await transport.fetch(url, timeout_s=timeout_s, share=share)
        finally:
            await transport.close()

    return asyncio.run(run())


def failure(url: str, **options: Any) -> TocsinError:
    """Why a target gives no answer."""
    with pytest.raises(TocsinError) as caught:
        fetch(url, **options)
    return caught.value


class Recorder:
    """Answers well and keeps the headers that came."""

    def __init__(self, body: bytes = b"a 1\n", **headers: str) -> None:
        self.seen: dict[str, str] = {}
        self.path = ""
        self._body = body
        self._headers: dict[str, Any] = {**headers}

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer."""
        self.seen, self.path = {name.lower(): value for name, value in handler.headers.items()}, handler.path
        reply(handler, self._body, **self._headers)


def test_what_is_asked_and_what_comes() -> None:
    """The request names formats, compression and the time limit; the answer comes with its content type."""
    recorder = Recorder(gzip.compress(b"a 1\n"), Content_Type=TEXT, Content_Encoding="gzip")
    with server_of(recorder) as port:
        answer = fetch(f"http://127.0.0.1:{port}/metrics?x=%26", timeout_s=2.5)
    assert answer == Answer(b"a 1\n", TEXT)
    assert recorder.path == "/metrics?x=%26"
    assert recorder.seen["accept"].startswith("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;")
    assert recorder.seen["accept-encoding"] == "gzip"
    assert recorder.seen["x-prometheus-scrape-timeout-seconds"] == "2.5"
    assert recorder.seen["user-agent"] == "Tocsin"


def test_formats_are_asked_for_in_their_order() -> None:
    """Weights fall from the first to the last, and anything else comes after them."""
    header = accept_header(DEFAULT_PROTOCOLS)
    assert [part.rpartition("q=")[2] for part in header.split(",")] == ["0.6", "0.5", "0.4", "0.3", "0.2", "0.1"]
    assert accept_header(("PrometheusText0.0.4",)) == "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"


def test_who_asks_is_said_as_configured(tmp_path: Path) -> None:
    """Passwords, tokens and headers of the configuration arrive; those in files are read anew each time."""
    token = tmp_path / "token"
    token.write_text("first\n", encoding="utf-8")
    recorder = Recorder()
    with server_of(recorder) as port:
        url = f"http://127.0.0.1:{port}/"
        fetch(url, basic_auth={"username": "reader", "password": "p:w"}, enable_compression=False)
        assert recorder.seen["authorization"] == "Basic cmVhZGVyOnA6dw=="
        assert recorder.seen["accept-encoding"] == "identity"
        fetch(url, authorization={"credentials": "abc"})
        assert recorder.seen["authorization"] == "Bearer abc"
        fetch(url, authorization={"type": "Token", "credentials_file": str(token)}, http_headers={"X-A": {"files": [str(token)]}})
        assert (recorder.seen["authorization"], recorder.seen["x-a"]) == ("Token first", "first")
        token.write_text("second", encoding="utf-8")
        fetch(url, basic_auth={"username_file": str(token), "password_file": str(token)})
        assert recorder.seen["authorization"] == "Basic c2Vjb25kOnNlY29uZA=="
        token.unlink()
        assert "token can't be read" in str(failure(url, authorization={"credentials_file": str(token)}))


@pytest.mark.parametrize("code", [204, 301, 404, 500])
def test_only_200_is_an_answer(code: int) -> None:
    """Whatever else comes fails, and is named."""
    with server_of(lambda handler: reply(handler, b"", code=code)) as port:
        error = failure(f"http://127.0.0.1:{port}/", follow_redirects=False)
    assert isinstance(error, ScrapeFailed)
    assert str(code) in str(error)


def test_redirects_are_followed_up_to_a_number() -> None:
    """A redirect leads on unless the job forbids it; a circle ends; the password stays with the first host."""
    seen: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/old":
            reply(handler, b"", code=302, Location="/new")
        elif handler.path == "/round":
            reply(handler, b"", code=302, Location="/round")
        elif handler.path == "/away":
            reply(handler, b"", code=302, Location=f"http://localhost:{handler.server.server_port}/new")  # type: ignore[attr-defined]
        else:
            seen.append(handler.headers.get("Authorization"))
            reply(handler, b"a 1\n")

    with server_of(answer) as port:
        url = f"http://127.0.0.1:{port}"
        assert fetch(f"{url}/old", authorization={"credentials": "x"}).body == b"a 1\n"
        assert fetch(f"{url}/away", authorization={"credentials": "x"}).body == b"a 1\n"
        assert "10 redirects" in str(failure(f"{url}/round"))
        assert "302" in str(failure(f"{url}/old", follow_redirects=False))
    assert seen == ["Bearer x", None]


def test_a_body_over_its_limit_is_not_read_to_the_end() -> None:
    """Plain or compressed a thousandfold, it ends at the limit, and gives its memory back."""
    plain, bomb = b"#" * 300_000, gzip.compress(b"#" * 50_000_000)
    budget = Budget(1 << 20)
    with server_of(lambda handler: reply(handler, plain)) as port:
        error = failure(f"http://127.0.0.1:{port}/", body_size_limit="200KB", budget=budget)
    assert isinstance(error, LimitExceeded)
    assert "204800 bytes (body_size_limit)" in str(error)
    with server_of(lambda handler: reply(handler, bomb, Content_Encoding="gzip")) as port:
        assert "scrape.memory_bytes_max" in str(failure(f"http://127.0.0.1:{port}/", budget=budget))
    assert budget.held == 0


def test_all_bodies_together_are_bounded() -> None:
    """A scrape that finds the memory taken fails, rather than that of the process growing."""
    budget = Budget(1000)
    with budget.share() as other:
        other.take(900)
        with server_of(lambda handler: reply(handler, b"#" * 200)) as port:
            assert "at a time" in str(failure(f"http://127.0.0.1:{port}/", budget=budget))
    assert budget.held == 0


@pytest.mark.parametrize(
    ("body", "encoding", "says"),
    [
        (gzip.compress(b"a 1\n" * 1000)[:-20], "gzip", "breaks off|not valid gzip"),
        (b"not gzip", "gzip", "not valid gzip"),
        (b"x", "br", "found the encoding 'br'"),
    ],
)
def test_a_body_that_does_not_inflate_fails(body: bytes, encoding: str, says: str) -> None:
    """Half a body is no body."""
    with server_of(lambda handler: reply(handler, body, Content_Encoding=encoding)) as port, pytest.raises(ScrapeFailed, match=says):
        fetch(f"http://127.0.0.1:{port}/")


def test_the_time_limit_lies_over_everything() -> None:
    """Neither headers that don't come nor a body that drips outlast it."""
    released = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/silent":
            released.wait(10)
            return
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not released.wait(0.02):
            handler.wfile.write(b"#")

    with server_of(drip) as port:
        for path in ("silent", "drip"):
            error = failure(f"http://127.0.0.1:{port}/{path}", timeout_s=0.2)
            assert isinstance(error, Timeout)
            assert "200ms" in str(error)
        released.set()


def test_a_connection_that_ends_early_fails() -> None:
    """A server that hangs up in the middle, or speaks no HTTP, is a failure with a reason."""

    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/body":
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(b"a 1\n")
        elif handler.path == "/words":
            handler.wfile.write(b"220 mail.example.org ESMTP\r\n")
        handler.close_connection = True

    with server_of(hang_up) as port:
        for path in ("body", "words", "nothing"):
            assert str(failure(f"http://127.0.0.1:{port}/{path}"))


def test_nobody_there_is_said() -> None:
    """A closed port and a name without an address have reasons that a human understands."""
    with server_of(lambda handler: reply(handler, b"")) as port:
        pass
    assert "onnect" in str(failure(f"http://127.0.0.1:{port}/"))
    assert str(failure("http://nowhere.invalid/"))


def test_tls_trusts_whom_it_is_told_to(tmp_path: Path) -> None:
    """A certificate of nobody fails unless it is given, or checks are off; the name that counts can be set."""
    certificate, _ = write_files(tmp_path)
    with server_of(Recorder(), wrap=wrap_in_tls(tmp_path)) as port:
        url = f"https://127.0.0.1:{port}/"
        assert "certificate" in str(failure(url)).lower()
        assert fetch(url, tls_config={"insecure_skip_verify": True}).body == b"a 1\n"
        assert fetch(url, tls_config={"ca_file": str(certificate)}).body == b"a 1\n"
        assert fetch(url, tls_config={"ca_file": str(certificate), "server_name": "shop.test"}).body == b"a 1\n"
        assert "match" in str(failure(url, tls_config={"ca_file": str(certificate), "server_name": "bank.test"})).lower()
    with pytest.raises(ScrapeFailed, match="tls_config: No such file"):
        fetch("https://127.0.0.1:1/", tls_config={"ca_file": str(tmp_path / "none.pem")})
