"""
DNS probes: a question to one server over UDP or TCP, and what its answer must look like.

Source: blackbox_exporter's documentation of its dns prober, for names and meanings.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence

from tocsin.clock import Clock, Entropy
from tocsin.collect.dns_packet import DnsAnswer, Record, read_answer, write_query
from tocsin.collect.probe_options import RECORD_TYPES, DnsProbeOptions, RecordMatch, found_in
from tocsin.collect.probes import Findings, ProbeFailed, hang_up, resolve_address, split_address
from tocsin.collect.transport import describe

PORT = 53
_SECTIONS = {"answer": "Answers", "authority": "Records of the authority", "additional": "Additional records"}


class DnsProber:
    """
    Looks at DNS servers.

    Args:
        options: What is asked, and what must be answered.
        clock: Measures the phases.
        entropy: Makes the identities of questions, so that nobody can answer in the server's place by guessing.
    """

    def __init__(self, options: DnsProbeOptions, *, clock: Clock, entropy: Entropy) -> None:
        self._options = options
        self._clock = clock
        self._entropy = entropy

    async def __call__(self, target: str, findings: Findings) -> None:
        """Ask and judge."""
        options = self._options
        host, port = split_address(target, default_port=PORT)
        phases = dict.fromkeys(("resolve", "connect", "request"), 0.0)
        findings.gauge("probe_dns_query_succeeded", 0.0, "Whether the server answered")
        for section, words in _SECTIONS.items():
            findings.gauge(f"probe_dns_{section}_rrs", 0.0, f"{words} in the answer")
        try:
            address, phases["resolve"] = await resolve_address(host, options, findings, self._clock)
            answer = await self._ask(address, port, phases)
        finally:
            for phase, seconds in phases.items():
                findings.gauge("probe_dns_duration_seconds", seconds, "How long the phases took", phase=phase)
        findings.gauge("probe_dns_query_succeeded", 1.0, "Whether the server answered")
        _note(answer, findings)
        self._judge(answer, findings)

    async def _ask(self, address: str, port: int, phases: dict[str, float]) -> DnsAnswer:
        identity = int(self._entropy.token_hex(2), 16)
        options = self._options
        query = write_query(
            identity=identity, name=options.query_name, query_type=options.query_type, recursion_desired=options.recursion_desired
        )
        start_s = self._clock.monotonic_s()
        exchange = _over_tcp if options.transport_protocol == "tcp" else _over_udp
        try:
            connection = await exchange(address, port)
        except OSError as error:
            raise ProbeFailed(f"no connection to {address} port {port}: {describe(error)}") from error
        try:
            connected_s = self._clock.monotonic_s()
            phases["connect"] = connected_s - start_s
            await connection.send(query)
            while True:
                answer = read_answer(await connection.receive(), identity=identity)
                if answer is not None and self._is_ours(answer):
                    phases["request"] = self._clock.monotonic_s() - connected_s
                    return answer
        finally:
            await connection.close()

    def _is_ours(self, answer: DnsAnswer) -> bool:
        name, number = answer.question
        wanted = self._options.query_name.rstrip(".").lower() + "."
        return not number or (name.lower() == wanted and number == RECORD_TYPES[self._options.query_type]) or not wanted.isascii()

    def _judge(self, answer: DnsAnswer, findings: Findings) -> None:
        """Raise at the first thing that is not well."""
        options = self._options
        if answer.rcode not in options.valid_rcodes:
            raise ProbeFailed(f"the answer has the code {answer.rcode}, expected {', '.join(options.valid_rcodes)}")
        rules = (
            ("validate_answer_rrs", options.validate_answer_rrs, answer.answers),
            ("validate_authority_rrs", options.validate_authority_rrs, answer.authority),
            ("validate_additional_rrs", options.validate_additional_rrs, answer.additional),
        )
        for option, rule, records in rules:
            if reason := _wrong_records(rule, records):
                findings.regex(failed=True)
                raise ProbeFailed(f"{option}: {reason}")
        findings.regex(failed=False)


def _note(answer: DnsAnswer, findings: Findings) -> None:
    for (section, words), records in zip(_SECTIONS.items(), (answer.answers, answer.authority, answer.additional), strict=True):
        findings.gauge(f"probe_dns_{section}_rrs", float(len(records)), f"{words} in the answer")
    serials = [record.serial for record in answer.answers if record.serial is not None]
    if serials:
        findings.gauge("probe_dns_serial", float(serials[0]), "Serial number of the zone")


def _wrong_records(rule: RecordMatch, records: Sequence[Record]) -> str:
    for regex in rule.fail_if_matches_regexp:
        if wrong := next((record for record in records if found_in(regex, record.text)), None):
            return f"the record {wrong.text!r} contains {regex!r}"
    for regex in rule.fail_if_all_match_regexp:
        if records and all(found_in(regex, record.text) for record in records):
            return f"every record contains {regex!r}"
    for regex in rule.fail_if_not_matches_regexp:
        if wrong := next((record for record in records if not found_in(regex, record.text)), None):
            return f"the record {wrong.text!r} lacks {regex!r}"
    for regex in rule.fail_if_none_matches_regexp:
        if not any(found_in(regex, record.text) for record in records):
            return f"no record contains {regex!r}"
    return ""


class _Tcp:
    """A conversation over TCP, where each message has its length in front."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, message: bytes) -> None:
        self._writer.write(struct.pack(">H", len(message)) + message)
        await self._writer.drain()

    async def receive(self) -> bytes:
        (length,) = struct.unpack(">H", await self._reader.readexactly(2))
        return await self._reader.readexactly(length)

    async def close(self) -> None:
        await hang_up(self._writer)


class _Udp(asyncio.DatagramProtocol):
    """A conversation over UDP; what the network says in between (a closed port) ends it."""

    def __init__(self) -> None:
        self._received: asyncio.Queue[bytes | Exception] = asyncio.Queue(maxsize=64)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio's signature
        if not self._received.full():
            self._received.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        if not self._received.full():
            self._received.put_nowait(exc)

    async def send(self, message: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(message)

    async def receive(self) -> bytes:
        received = await self._received.get()
        if isinstance(received, Exception):
            raise ProbeFailed(describe(received)) from received
        return received

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)  # the socket closes on the loop's next turn


async def _over_tcp(address: str, port: int) -> _Tcp | _Udp:
    return _Tcp(*await asyncio.open_connection(address, port))


async def _over_udp(address: str, port: int) -> _Tcp | _Udp:
    _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(_Udp, remote_addr=(address, port))
    return protocol
