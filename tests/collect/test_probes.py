"""Probes against servers on loopback: what they see, when they fail, and that they say why."""

from __future__ import annotations

import asyncio
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests.collect.builders import reply, server_of, target_of
from tests.collect.certificate import NOT_AFTER_S, wrap_in_tls, write_files
from tests.collect.dns_messages import answer_to, name_of, record

from tocsin.clock import RealClock, SeededEntropy
from tocsin.collect.probe_dns import DnsProber
from tocsin.collect.probe_http import HttpProber
from tocsin.collect.probe_options import DnsProbeOptions, HttpProbeOptions, TcpProbeOptions
from tocsin.collect.probe_tcp import TcpProber
from tocsin.collect.probes import ProbeFailed, Prober, ProbeSource, split_address
from tocsin.collect.transport import Budget

Seen = dict[str, float]


def probe(prober: Prober, target: str, *, timeout_s: float = 5.0) -> tuple[Seen, str]:
    """What a probe saw, by series, and why it failed."""

    async def run() -> tuple[Seen, str]:
        with Budget(1 << 20).share() as share:
            answer = await ProbeSource(prober, clock=RealClock()).fetch(target_of(target, timeout_s=timeout_s), share)
        lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}, answer.note

    return asyncio.run(run())


def http(url: str, *, timeout_s: float = 5.0, **options: Any) -> tuple[Seen, str]:
    """An HTTP probe with these options."""
    return probe(HttpProber(HttpProbeOptions.model_validate(options), clock=RealClock()), url, timeout_s=timeout_s)


def tcp(target: str, *, timeout_s: float = 5.0, **options: Any) -> tuple[Seen, str]:
    """A TCP probe with these options."""
    return probe(TcpProber(TcpProbeOptions.model_validate(options), clock=RealClock()), target, timeout_s=timeout_s)


def dns(target: str, *, timeout_s: float = 5.0, **options: Any) -> tuple[Seen, str]:
    """A DNS probe with these options."""
    options = {"query_name": "shop.example.org", "query_type": "A", **options}
    prober = DnsProber(DnsProbeOptions.model_validate(options), clock=RealClock(), entropy=SeededEntropy(5))
    return probe(prober, target, timeout_s=timeout_s)


def _ignore(_result: object) -> None:
    """Make a statement of an expression."""


def hello(handler: BaseHTTPRequestHandler) -> None:
    """A page with words in it."""
    reply(handler, b"hello shop", Content_Type="text/html", Last_Modified="Fri, 20 Nov 2026 10:00:00 GMT")


def test_a_page_that_is_well() -> None:
    """Every number that blackbox_exporter gives of a plain page is there under its name."""
    with server_of(hello) as port:
        seen, note = http(f"http://localhost:{port}/")
    assert note == ""
    phases = {name for name in seen if name.startswith("probe_http_duration_seconds")}
    assert phases == {
        f'probe_http_duration_seconds{{phase="{phase}"}}' for phase in ("resolve", "connect", "tls", "processing", "transfer")
    }
    assert 0 < sum(seen[phase] for phase in phases) <= seen["probe_duration_seconds"]
    wanted = {
        "probe_success": 1.0,
        "probe_http_status_code": 200.0,
        "probe_http_version": 1.1,
        "probe_http_ssl": 0.0,
        "probe_http_redirects": 0.0,
        "probe_http_content_length": 10.0,
        "probe_http_uncompressed_body_length": 10.0,
        "probe_failed_due_to_regex": 0.0,
        "probe_ip_protocol": 4.0,
        "probe_http_last_modified_timestamp_seconds": 1_795_168_800.0,
    }
    assert {name: seen[name] for name in wanted} == wanted
    assert seen["probe_dns_lookup_time_seconds"] >= 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"valid_status_codes": [404]}, "status 200, expected 404"),
        ({"valid_http_versions": ["HTTP/2.0"]}, "expected HTTP/2.0"),
        ({"fail_if_not_ssl": True}, "fail_if_not_ssl"),
        ({"body_size_limit": 5}, "body_size_limit"),
        ({"preferred_ip_protocol": "ip6", "ip_protocol_fallback": False}, "no address of ip6"),
    ],
)
def test_a_page_that_is_not_what_was_asked(options: dict[str, Any], reason: str) -> None:
    """Each condition fails the probe, and the list of targets shows which."""
    with server_of(hello) as port:
        seen, note = http(f"http://127.0.0.1:{port}/", **options)
    assert seen["probe_success"] == 0.0
    assert seen["probe_failed_due_to_regex"] == 0.0
    assert reason in note


@pytest.mark.parametrize(
    ("options", "well"),
    [
        ({"fail_if_body_matches_regexp": ["sh.p"]}, False),
        ({"fail_if_body_matches_regexp": ["^shop"]}, True),
        ({"fail_if_body_not_matches_regexp": ["hello", "bye"]}, False),
        ({"fail_if_body_not_matches_regexp": ["hello"]}, True),
        ({"fail_if_header_matches": [{"header": "content-type", "regexp": "html"}]}, False),
        ({"fail_if_header_matches": [{"header": "X-None", "regexp": "a"}]}, False),
        ({"fail_if_header_matches": [{"header": "X-None", "regexp": "a", "allow_missing": True}]}, True),
        ({"fail_if_header_not_matches": [{"header": "Content-Type", "regexp": "json"}]}, False),
        ({"fail_if_header_not_matches": [{"header": "X-None", "regexp": "a"}]}, False),
        ({"fail_if_header_not_matches": [{"header": "X-None", "regexp": "a", "allow_missing": True}]}, True),
    ],
)
def test_expressions_decide(options: dict[str, Any], *, well: bool) -> None:
    """Expressions look anywhere in bodies and headers; a failure for one is marked as such."""
    with server_of(hello) as port:
        seen, note = http(f"http://127.0.0.1:{port}/", **options)
    assert (seen["probe_success"], seen["probe_failed_due_to_regex"]) == (float(well), float(not well))
    assert bool(note) is not well


def test_requests_say_what_is_configured_and_redirects_are_followed() -> None:
    """Method, headers, body and password arrive; a redirect turns a POST into a GET and keeps the password at home."""
    seen_requests: list[tuple[str, str, str | None, bytes]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        seen_requests.append((handler.command, handler.path, handler.headers.get("Authorization"), body))
        if handler.path == "/old":
            reply(handler, b"", code=302, Location=f"http://localhost:{handler.server.server_port}/new")  # type: ignore[attr-defined]
        elif handler.path == "/round":
            reply(handler, b"", code=307, Location="/round")
        else:
            reply(handler, handler.headers["X-Word"].encode())

    options: dict[str, Any] = {
        "method": "POST",
        "body": "ping",
        "headers": {"X-Word": "pong"},
        "basic_auth": {"username": "a", "password": "b"},
    }
    with server_of(answer) as port:
        seen, note = http(f"http://127.0.0.1:{port}/old", fail_if_body_not_matches_regexp=["^pong$"], **options)
        assert (seen["probe_success"], note) == (1.0, "")
        assert (seen["probe_http_redirects"], seen["probe_http_status_code"]) == (1.0, 200.0)
        assert seen_requests == [("POST", "/old", "Basic YTpi", b"ping"), ("GET", "/new", None, b"")]
        stays, _ = http(f"http://127.0.0.1:{port}/old", valid_status_codes=[302], follow_redirects=False, **options)
        assert (stays["probe_success"], stays["probe_http_redirects"]) == (1.0, 0.0)
        _, note = http(f"http://127.0.0.1:{port}/round", **options)
        assert "10 redirects" in note


def test_a_certificate_tells_when_it_ends(tmp_path: Path) -> None:
    """The date is there whether the certificate is trusted or not; the chain's date only after a check."""
    certificate, _ = write_files(tmp_path)
    with server_of(hello, wrap=wrap_in_tls(tmp_path)) as port:
        url = f"https://localhost:{port}/"
        trusted, note = http(url, tls_config={"ca_file": str(certificate)}, fail_if_not_ssl=True)
        assert note == ""
        assert trusted["probe_http_ssl"] == 1.0
        assert trusted["probe_ssl_earliest_cert_expiry"] == NOT_AFTER_S
        assert trusted["probe_ssl_last_chain_expiry_timestamp_seconds"] == NOT_AFTER_S
        assert trusted['probe_tls_version_info{version="TLS 1.3"}'] == 1.0
        assert trusted['probe_http_duration_seconds{phase="tls"}'] > 0
        unchecked, _ = http(url, tls_config={"insecure_skip_verify": True})
        assert unchecked["probe_ssl_earliest_cert_expiry"] == NOT_AFTER_S
        assert "probe_ssl_last_chain_expiry_timestamp_seconds" not in unchecked
        secure, note = http(url, tls_config={"insecure_skip_verify": True}, fail_if_ssl=True)
        assert (secure["probe_success"], "fail_if_ssl" in note) == (0.0, True)
        refused, note = http(url)
        assert refused["probe_success"] == 0.0
        assert "certificate" in note.lower()


def test_a_probe_ends_in_time_and_keeps_what_it_saw() -> None:
    """A server that is silent fails the probe at its time limit; the phases until then are there."""
    released = threading.Event()
    with server_of(lambda _handler: _ignore(released.wait(10))) as port:
        seen, note = http(f"http://127.0.0.1:{port}/", timeout_s=0.2)
        released.set()
    assert seen["probe_success"] == 0.0
    assert "longer than 200ms" in note
    assert seen["probe_ip_protocol"] == 4.0
    assert 0.1 < seen["probe_duration_seconds"] < 5


@pytest.mark.parametrize("target", ["ftp://a", "http://", "http://[::1", "nowhere.invalid", "http://a\x00b/"])
def test_an_address_that_is_none_fails(target: str) -> None:
    """What can't be asked is a failed probe with a reason, not a failed scrape."""
    seen, note = http(target)
    assert seen["probe_success"] == 0.0
    assert note


@contextmanager
def talker(talk: Callable[[socketserver.StreamRequestHandler], None]) -> Iterator[int]:
    """A TCP server that talks; gives its port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            talk(self)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *args: Any) -> None:
            """Probes hang up when they know enough."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def mail(handler: socketserver.StreamRequestHandler) -> None:
    """A mail server that greets, answers one line, and says what it got."""
    handler.wfile.write(b"220-welcome\r\n220 mail.example.org ready\r\n")
    line = handler.rfile.readline().decode().strip()
    handler.wfile.write(f"250 got {line}\r\n".encode())
    handler.rfile.readline()


def test_a_conversation_goes_as_told() -> None:
    """Lines are read until one matches; what is sent may use what was found."""
    steps = [{"expect": r"^220 (\S+) ready$"}, {"expect": "", "send": "EHLO probe"}, {"expect": "^250 got (.*)", "send": "bye ${1}"}]
    with talker(mail) as port:
        seen, note = tcp(f"localhost:{port}", query_response=steps)
    assert (seen["probe_success"], seen["probe_failed_due_to_regex"], note) == (1.0, 0.0, "")
    with talker(mail) as port:
        seen, note = tcp(f"127.0.0.1:{port}", query_response=[{"send": "x"}, {"expect": "^500"}, {"send": "y"}], timeout_s=0.3)
    assert (seen["probe_success"], seen["probe_failed_due_to_regex"]) == (0.0, 1.0)
    assert note


def test_a_connection_is_enough_where_nothing_is_said() -> None:
    """Without steps an open port is well; a closed one, and what is no address, is not."""
    with talker(mail) as port:
        assert tcp(f"127.0.0.1:{port}")[0]["probe_success"] == 1.0
    seen, note = tcp(f"127.0.0.1:{port}")
    assert seen["probe_success"] == 0.0
    assert "no connection" in note
    assert "host:port" in tcp("localhost")[1]


def test_a_peer_that_never_ends_its_line_is_bounded() -> None:
    """Neither an endless line nor endless lines fill the memory."""
    with talker(lambda handler: _ignore(handler.wfile.write(b"x" * 10_000_000))) as port:
        assert "longer than" in tcp(f"127.0.0.1:{port}", query_response=[{"expect": "y"}])[1]
    with talker(lambda handler: _ignore(handler.wfile.write(b"x\n" * 100_000))) as port:
        assert "1000 lines" in tcp(f"127.0.0.1:{port}", query_response=[{"expect": "y"}])[1]


def test_tls_from_the_start_and_on_demand(tmp_path: Path) -> None:
    """Both ways show the certificate's end."""
    certificate, _ = write_files(tmp_path)
    wrap = wrap_in_tls(tmp_path)
    tls = {"ca_file": str(certificate)}
    with server_of(hello, wrap=wrap) as port:
        seen, note = tcp(f"localhost:{port}", tls=True, tls_config=tls)
    assert (seen["probe_success"], seen["probe_ssl_earliest_cert_expiry"], note) == (1.0, NOT_AFTER_S, "")

    def start(handler: socketserver.StreamRequestHandler) -> None:
        handler.wfile.write(b"220 ready\n")
        handler.rfile.readline()
        handler.wfile.write(b"220 go ahead\n")
        secure = wrap(handler.connection)
        secure.sendall(b"safe\n")
        secure.close()

    steps = [{"expect": "220 ready", "send": "STARTTLS"}, {"expect": "220 go", "starttls": True}, {"expect": "safe"}]
    with talker(start) as port:
        seen, note = tcp(f"127.0.0.1:{port}", query_response=steps, tls_config=tls)
    assert (seen["probe_success"], seen["probe_ssl_earliest_cert_expiry"], note) == (1.0, NOT_AFTER_S, "")


@contextmanager
def name_server(reply_to: Callable[[bytes], list[bytes]], *, stream: bool = False) -> Iterator[str]:
    """A name server that sends these messages for a question; gives its address."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if stream:
                query = self.request.recv(4096)[2:]
                for message in reply_to(query):
                    self.request.sendall(len(message).to_bytes(2, "big") + message)
            else:
                query, sock = self.request
                for message in reply_to(query):
                    sock.sendto(message, self.client_address)

    kind = socketserver.ThreadingTCPServer if stream else socketserver.ThreadingUDPServer
    with kind(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


ADDRESS = record(1, bytes([10, 0, 0, 7]))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_name_server_that_answers(transport: str) -> None:
    """Counts of records and phases are there; a strange message before the answer is passed over."""

    def messages(query: bytes) -> list[bytes]:
        forged = answer_to(bytes([query[0] ^ 1]) + query[1:], answers=[])
        return [forged, answer_to(query, answers=[ADDRESS, ADDRESS], authority=[record(2, name_of("ns"))])]

    with name_server(messages, stream=transport == "tcp") as address:
        seen, note = dns(address, transport_protocol=transport)
    assert note == ""
    wanted = {
        "probe_success": 1.0,
        "probe_dns_query_succeeded": 1.0,
        "probe_dns_answer_rrs": 2.0,
        "probe_dns_authority_rrs": 1.0,
        "probe_dns_additional_rrs": 0.0,
        "probe_ip_protocol": 4.0,
        "probe_failed_due_to_regex": 0.0,
    }
    assert {name: seen[name] for name in wanted} == wanted
    assert seen['probe_dns_duration_seconds{phase="request"}'] > 0


@pytest.mark.parametrize(
    ("options", "well"),
    [
        ({"valid_rcodes": ["NXDOMAIN"]}, False),
        ({"validate_answer_rrs": {"fail_if_not_matches_regexp": [r"\t10\.0\.0\.\d+$"]}}, True),
        ({"validate_answer_rrs": {"fail_if_not_matches_regexp": ["AAAA"]}}, False),
        ({"validate_answer_rrs": {"fail_if_matches_regexp": ["10.0"]}}, False),
        ({"validate_answer_rrs": {"fail_if_all_match_regexp": ["10.0"]}}, False),
        ({"validate_authority_rrs": {"fail_if_none_matches_regexp": ["ns"]}}, False),
        ({"validate_additional_rrs": {"fail_if_matches_regexp": ["."]}}, True),
    ],
)
def test_answers_are_held_against_rules(options: dict[str, Any], *, well: bool) -> None:
    """Codes and records must be what the configuration says."""
    with name_server(lambda query: [answer_to(query, answers=[ADDRESS])]) as address:
        seen, note = dns(address, **options)
    assert seen["probe_success"] == float(well)
    assert bool(note) is not well


def test_name_servers_that_fail() -> None:
    """Nobody there, silence and nonsense are failed probes with reasons."""
    with name_server(lambda _query: []) as address:
        assert "longer than" in dns(address, timeout_s=0.2)[1]
    assert dns(address, timeout_s=1.0)[0]["probe_success"] == 0.0
    with name_server(lambda query: [query[:2] + b"\x80"]) as address:
        assert "breaks off" in dns(address)[1]
    assert "no connection" in dns(address, transport_protocol="tcp")[1]


@pytest.mark.parametrize(
    ("target", "host", "port"), [("a:1", "a", 1), ("[::1]:53", "::1", 53), ("::1", "::1", 53), ("a", "a", 53), ("[::1]", "::1", 53)]
)
def test_addresses_are_split(target: str, host: str, port: int) -> None:
    """With and without a port, of either version of IP."""
    assert split_address(target, default_port=53) == (host, port)


@pytest.mark.parametrize("target", ["a", "a:", "a:b", ":1", "a:70000", ""])
def test_addresses_without_a_port_are_refused(target: str) -> None:
    """Where no port is usual, one must be given."""
    with pytest.raises(ProbeFailed, match="expected host:port"):
        split_address(target)
