"""Remote write over HTTP: each rule of the specifications for receivers, statuses, headers, limits and waiting."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import cramjam
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from tests.api.asgi_client import AsgiClient
from tests.wire.prometheus import write_builders as wb
from tests.wire.prometheus.write_builders import NOW_MS, Series, histogram, pairs, sample, up

from tocsin.api.errors import install
from tocsin.api.prometheus_write import PATH, prometheus_write_routes
from tocsin.clock import ReplayClock
from tocsin.errors import JournalError, Overloaded
from tocsin.testing.acceptor import FakeAcceptor
from tocsin.wire.prometheus.options import RemoteWriteOptions
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.remote_write import RemoteWriteDoor

MEDIA_TYPES = {1: "application/x-protobuf", 2: "application/x-protobuf;proto=io.prometheus.write.v2.Request"}
WRITTEN = "X-Prometheus-Remote-Write-{}-Written"
VERSIONS = pytest.mark.parametrize("version", [1, 2])
LIMITS = RemoteWriteOptions(body_bytes_max=4096, inflated_bytes_max=16_384, in_flight_bytes_max=1024 * 1024)


class Server:
    """The route with a fake journal behind it, and a client."""

    def __init__(self, options: RemoteWriteOptions = LIMITS) -> None:
        clock = ReplayClock(NOW_MS * 1_000_000, speed=0)
        self.acceptor = FakeAcceptor()
        self.door = RemoteWriteDoor(SeriesRegistry(clock=clock), self.acceptor, options, clock=clock)
        self.app = Starlette(routes=prometheus_write_routes(self.door, (PATH, "/api/v1/write")))
        install(self.app)
        self.client = AsgiClient(self.app)

    def post(self, version: int, body: bytes, *, path: str = PATH, **headers: str) -> Any:
        """Send a body, compressed with snappy; header names with underscores for dashes."""
        return self.post_raw(snappy(body), path=path, **{"Content_Type": MEDIA_TYPES[version], "Content_Encoding": "snappy", **headers})

    def post_raw(self, content: bytes, *, path: str = PATH, **headers: str) -> Any:
        """Send a body as it is."""
        return self.client.post(path, content=content, headers={name.replace("_", "-"): value for name, value in headers.items()})


def snappy(body: bytes) -> bytes:
    """Snappy in its block format."""
    return bytes(cramjam.snappy.compress_raw(body))


def written_of(answer: Any) -> tuple[int, ...]:
    """What the answer says was written: samples, histograms, exemplars."""
    return tuple(int(answer.headers[WRITTEN.format(kind)]) for kind in ("Samples", "Histograms", "Exemplars"))


@pytest.fixture
def server() -> Server:
    """A server with small limits."""
    return Server()


@VERSIONS
@pytest.mark.parametrize("path", [PATH, "/api/v1/write"])
def test_success_is_204_without_a_body(server: Server, version: int, path: str) -> None:
    """'The response body SHOULD be empty and the status code SHOULD be 204', and the headers count what was written."""
    series = Series(pairs("up"), [sample(1), sample(2, NOW_MS + 1)], histograms=[histogram()], exemplars=[([], 1, NOW_MS)])
    answer = server.post(version, wb.request(version, series), path=path, X_Prometheus_Remote_Write_Version="2.0.0")
    assert (answer.status_code, answer.content, written_of(answer)) == (204, b"", (2, 1, 1))


@VERSIONS
def test_a_partial_write_is_a_400_that_says_how_much_and_why(server: Server, version: int) -> None:
    """'MUST return 400 for requests that contain any invalid samples', 'SHOULD contain the amount rejected and for what reasons'."""
    bad = Series([("__name__", "up"), ("a", "1"), ("a", "2")], [sample(1)], exemplars=[([], 1, NOW_MS)])
    answer = server.post(version, wb.request(version, up(), bad, Series(pairs("x"), histograms=[histogram()])))
    assert (answer.status_code, written_of(answer)) == (400, (1, 1, 0))
    assert answer.text == "1 sample, 1 exemplar refused (duplicate_label): label a of up comes twice, with '1' and '2'.\n"
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Retry-After" not in answer.headers
    assert sum(batch.records for batch in server.acceptor.batches) == 2


@VERSIONS
@pytest.mark.parametrize("content", [b"", b"\xff\xff", snappy(wb.request(1, up()))[:20], snappy(b"\x0a\x7f")])
def test_what_cannot_be_read_is_a_400(server: Server, version: int, content: bytes) -> None:
    """Neither snappy, or no protobuf within: repeating it is of no use, and nothing was written."""
    answer = server.post_raw(content, Content_Type=MEDIA_TYPES[version], Content_Encoding="snappy")
    assert (answer.status_code, written_of(answer), "Retry-After" in answer.headers) == (400, (0, 0, 0), False)


@pytest.mark.parametrize(
    ("media_type", "encoding"),
    [("application/json", "snappy"), ("application/x-protobuf;proto=other.Request", "snappy"), (MEDIA_TYPES[2], "gzip")],
)
def test_other_content_is_a_415(server: Server, media_type: str, encoding: str) -> None:
    """'Receivers MUST return 415 if they don't support a given content type or encoding'; the text names what is taken."""
    answer = server.post_raw(snappy(wb.request(1, up())), Content_Type=media_type, Content_Encoding=encoding)
    assert (answer.status_code, written_of(answer)) == (415, (0, 0, 0))
    assert "must be" in answer.text


def test_headers_may_be_missing(server: Server) -> None:
    """Early senders sent none: it is 1.0 in snappy."""
    assert server.post_raw(snappy(wb.request(1, up()))).status_code == 204


def test_zstd_and_plain_bodies_are_taken(server: Server) -> None:
    """Beyond what the specification asks."""
    body = wb.request(2, up())
    packed = zstandard.ZstdCompressor().compress(body)
    assert server.post_raw(packed, Content_Type=MEDIA_TYPES[2], Content_Encoding="zstd").status_code == 204
    assert server.post_raw(body, Content_Type=MEDIA_TYPES[2], Content_Encoding="identity").status_code == 204


@VERSIONS
def test_an_empty_request_is_a_success(server: Server, version: int) -> None:
    """A sender may ask so which versions there are; nothing is stored."""
    answer = server.post(version, b"")
    assert (answer.status_code, written_of(answer), server.acceptor.batches) == (204, (0, 0, 0), [])


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_a_405(server: Server, method: str) -> None:
    """Only POST writes."""
    answer = server.client.request(method, PATH)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_bodies_that_are_too_large_are_a_413(server: Server) -> None:
    """As sent and as inflated; by Content-Length alone before anything is read, by the declared size before anything is inflated."""
    sent, received = asyncio.run(talk(server.app, [b"x"], content_length="4097"))
    assert (sent[0]["status"], received) == (413, 0)
    sent, received = asyncio.run(talk(server.app, [b"x" * 1000] * 100))
    assert (sent[0]["status"], received) == (413, 5)
    assert server.post(1, bytes(16_385)).status_code == 413


def test_overload_is_a_503_with_retry_after(server: Server) -> None:
    """'MUST retry write requests on 5xx', but only 'MAY retry on 429': so nothing is lost that could be stored a moment later."""
    server.acceptor.refusal = Overloaded("queues are full", retry_after_s=2.2)
    answer = server.post(2, wb.request(2, up()))
    assert (answer.status_code, answer.headers["Retry-After"], written_of(answer)) == (503, "3", (0, 0, 0))
    assert "queues are full" in answer.text


def test_a_failing_disk_is_a_503_with_retry_after(server: Server) -> None:
    """What is not durable is not acknowledged; also when something else in the request is refused for good."""
    server.acceptor.failure = JournalError("no space left")
    answer = server.post(1, wb.request(1, up(), up(timestamp_ms=-1)))
    assert (answer.status_code, int(answer.headers["Retry-After"]) >= 1, written_of(answer)) == (503, True, (0, 0, 0))
    assert server.door.statistics().postponed == 1


def test_too_many_bytes_in_flight_is_a_503() -> None:
    """Bodies that wait for the disk count, as sent and inflated; when they are done there is room again."""
    server = Server(RemoteWriteOptions(in_flight_bytes_max=1024 * 1024))
    server.acceptor.hold = True
    body = snappy(wb.request(1, Series(pairs("up", {"a": "x" * 600_000}), [sample(1)]), up()))

    async def story() -> tuple[int, int]:
        first = asyncio.create_task(talk(server.app, [body]))
        assert await asyncio.to_thread(server.acceptor.wait, 1)
        second, _ = await talk(server.app, [body])
        server.acceptor.hold = False
        server.acceptor.release()
        sent, _ = await first
        return sent[0]["status"], second[0]["status"]

    assert asyncio.run(story()) == (400, 503)
    assert server.door.statistics().postponed == 1
    assert server.post_raw(body).status_code == 400


def test_a_body_that_does_not_come_is_a_503() -> None:
    """Half a body, and then nothing: the sender may try again, and nothing waits for it."""
    server = Server(RemoteWriteOptions(read_s_max=0.01))
    sent, _ = asyncio.run(talk(server.app, [b"x"], stall=True))
    assert sent[0]["status"] == 503


def test_nothing_is_acknowledged_before_it_is_durable() -> None:
    """The answer waits for the futures of all blocks."""
    server = Server(RemoteWriteOptions())
    server.acceptor.hold = True
    series = Series(pairs("up"), [sample(number, NOW_MS - number) for number in range(70_000)])
    body = snappy(wb.request(1, series))

    async def story() -> int:
        task = asyncio.create_task(talk(server.app, [body]))
        assert await asyncio.to_thread(server.acceptor.wait, 2)
        assert not task.done()
        server.acceptor.release()
        sent, _ = await task
        status: int = sent[0]["status"]
        return status

    assert asyncio.run(story()) == 204


def test_a_cancelled_request_leaves_the_acceptor_alone() -> None:
    """A task that ends early must not cancel the journal's futures."""
    server = Server()
    server.acceptor.hold = True

    async def story() -> None:
        task = asyncio.create_task(talk(server.app, [snappy(wb.request(1, up()))]))
        assert await asyncio.to_thread(server.acceptor.wait, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.acceptor.release()

    asyncio.run(story())


@pytest.mark.parametrize("chunks", [[], [b"\x05"], [snappy(wb.request(1, up()))]])
def test_a_client_that_hangs_up_stores_nothing(server: Server, chunks: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    """Mid body: no crash, no sample; even if what came would be a whole request."""
    with caplog.at_level(logging.WARNING):
        asyncio.run(talk(server.app, chunks, hang_up=True))
    assert (server.acceptor.batches, caplog.records) == ([], [])


FUZZED = Server(RemoteWriteOptions())


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(
    version=st.sampled_from([1, 2]),
    media_type=st.sampled_from([*MEDIA_TYPES.values(), "text/plain", ""]),
    encoding=st.sampled_from(["", "identity", "snappy", "zstd", "gzip"]),
    packed=st.booleans(),
    data=st.data(),
)
def test_no_input_is_a_500(version: int, media_type: str, encoding: str, packed: bool, data: st.DataObject) -> None:
    """Random and bent bodies under right and wrong headers end in 204, 400, 413 or 415."""
    body = bytearray(wb.request(version, up(), Series(pairs("h"), histograms=[histogram()], exemplars=[([("a", "b")], 1, NOW_MS)])))
    for _ in range(data.draw(st.integers(0, 3))):
        position = data.draw(st.integers(0, len(body)))
        body[position : position + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    content = snappy(bytes(body)) if packed else bytes(body)
    answer = FUZZED.post_raw(content, Content_Type=media_type, Content_Encoding=encoding)
    assert answer.status_code in {204, 400, 413, 415}
    assert len(written_of(answer)) == 3


async def talk(
    app: Starlette, chunks: list[bytes], *, content_length: str | None = None, hang_up: bool = False, stall: bool = False
) -> tuple[list[dict[str, Any]], int]:
    """Speak ASGI: what the application sent, and how many messages it received."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if not stall:
        messages.append({"type": "http.disconnect"} if hang_up else {"type": "http.request", "body": b"", "more_body": False})
    received = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += 1
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if content_length is None else [(b"content-length", content_length.encode())]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers, "query_string": b"", "root_path": "", "app": app}
    await app(scope, receive, send)
    return sent, received
