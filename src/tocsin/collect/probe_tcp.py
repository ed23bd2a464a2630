"""
TCP probes: a connection, over TLS if asked, and a conversation of lines: wait for one that matches, send one, change to TLS.

Source: blackbox_exporter's documentation of its tcp prober, for names and meanings.
"""

from __future__ import annotations

import asyncio
import ssl

from tocsin.clock import Clock
from tocsin.collect.certificates import tls_state
from tocsin.collect.probe_options import TcpProbeOptions, TcpStep, found_in
from tocsin.collect.probes import Findings, ProbeFailed, hang_up, resolve_address, split_address
from tocsin.collect.transport import describe, tls_context
from tocsin.model.pattern import Match, expand

LINE_BYTES_MAX = 65_536
LINES_MAX = 1000  # lines that are read while one is waited for


class TcpProber:
    """
    Looks at TCP ports.

    Args:
        options: What is said, and what must be answered.
        clock: Measures the lookup of the name.
    """

    def __init__(self, options: TcpProbeOptions, *, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        needs_tls = options.tls or any(step.starttls for step in options.query_response)
        self._context = tls_context(options.tls_config) if needs_tls else None

    async def __call__(self, target: str, findings: Findings) -> None:
        """Connect and talk."""
        host, port = split_address(target)
        findings.regex(failed=False)
        address, _ = await resolve_address(host, self._options, findings, self._clock)
        name = self._options.tls_config.server_name or host
        context = self._context if self._options.tls else None
        server_name = name if context is not None else None
        try:
            reader, writer = await asyncio.open_connection(address, port, limit=LINE_BYTES_MAX, ssl=context, server_hostname=server_name)
        except OSError as error:
            raise ProbeFailed(f"no connection to {target}: {describe(error)}") from error
        try:
            if self._options.tls:
                _note_tls(writer, findings)
            for step in self._options.query_response:
                await self._step(step, reader, writer, findings, name)
        finally:
            await hang_up(writer)

    async def _step(self, step: TcpStep, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, findings: Findings, name: str) -> None:
        match = await _expect(step.expect, reader, findings) if step.expect else None
        if step.send:
            line = expand(step.send, match) if match is not None else step.send
            writer.write(f"{line}\n".encode())
            await writer.drain()
        if step.starttls and self._context is not None:
            await writer.start_tls(self._context, server_hostname=name)
            _note_tls(writer, findings)


async def _expect(regex: str, reader: asyncio.StreamReader, findings: Findings) -> Match:
    """
    Read lines until one contains the expression.

    Raises:
        ProbeFailed: The connection ended before, or the peer says too much.
    """
    findings.regex(failed=True)  # stands if the time runs out while the line is waited for
    for _ in range(LINES_MAX):
        try:
            line = await reader.readline()
        except ValueError as error:
            raise ProbeFailed(f"a line is longer than {LINE_BYTES_MAX} bytes") from error
        if not line:
            raise ProbeFailed(f"the connection ended before a line matched {regex!r}")
        match = found_in(regex, line.decode("utf-8", "replace").rstrip("\r\n"))
        if match:
            findings.regex(failed=False)
            return match
    raise ProbeFailed(f"{LINES_MAX} lines, and none matched {regex!r}")


def _note_tls(writer: asyncio.StreamWriter, findings: Findings) -> None:
    connection = writer.get_extra_info("ssl_object")
    if isinstance(connection, ssl.SSLObject):
        findings.tls(tls_state(connection))
