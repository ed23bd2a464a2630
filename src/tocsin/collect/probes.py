"""
Probes: checks of an address from outside, on a schedule, whose results read like those of blackbox_exporter.

A probe that fails is an answer (`probe_success 0`), not a failed scrape: `up` says whether Tocsin could look, `probe_success` what it saw.
The result is text that goes the way of every other target's: reader, relabelling, limits, journal.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TypeAlias

from tocsin.clock import Clock
from tocsin.collect.certificates import TlsState
from tocsin.collect.notation import print_duration
from tocsin.collect.probe_options import IpOptions
from tocsin.collect.targets import Target
from tocsin.collect.transport import Answer, Share, describe
from tocsin.errors import TocsinError

PLAIN_TEXT = "text/plain; version=0.0.4"
PARTING_S = 0.2
_FNV_START, _FNV_PRIME = 0x811C9DC5, 0x01000193


class ProbeFailed(Exception):
    """What was looked at is not well; the message says why."""


@dataclass(slots=True)
class Findings:
    """What a probe saw so far, as gauges; a probe that ends early leaves what it had."""

    lines: dict[str, list[str]] = field(default_factory=dict)

    def gauge(self, name: str, value: float, help_text: str, **labels: str) -> None:
        """Note a number; the same name and labels again replace it."""
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        key = f"{name}{{{inside}}}" if inside else name
        family = self.lines.setdefault(name, [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"])
        family[:] = [line for line in family if not line.startswith(key + " ")]
        family.append(f"{key} {value!r}")

    def tls(self, state: TlsState) -> None:
        """Note what a TLS connection showed."""
        if state.earliest_expiry_s is not None:
            self.gauge("probe_ssl_earliest_cert_expiry", state.earliest_expiry_s, "When the first certificate ends, in unixtime")
        if state.chain_expiry_s is not None:
            name = "probe_ssl_last_chain_expiry_timestamp_seconds"
            self.gauge(name, state.chain_expiry_s, "When the verified chain of certificates ends, in unixtime")
        if state.fingerprint:
            info = "Fingerprint of the server's certificate"
            self.gauge("probe_ssl_last_chain_info", 1.0, info, fingerprint_sha256=state.fingerprint)
        self.gauge("probe_tls_version_info", 1.0, "Version of TLS", version=state.version)
        self.gauge("probe_tls_cipher_info", 1.0, "Cipher of the TLS connection", cipher=state.cipher)

    def regex(self, *, failed: bool) -> None:
        """Note whether an expression decided."""
        self.gauge("probe_failed_due_to_regex", float(failed), "Whether the probe failed because of a regular expression")

    def text(self) -> bytes:
        """Everything, as an exporter would write it."""
        return "".join(f"{line}\n" for family in self.lines.values() for line in family).encode()


Prober: TypeAlias = Callable[[str, Findings], Awaitable[None]]
"""Looks at a target and notes what it sees; raises ProbeFailed when it is not well."""


class ProbeSource:
    """
    Runs one kind of probe.

    Args:
        prober: Looks at targets.
        clock: Measures how long it takes.
    """

    def __init__(self, prober: Prober, *, clock: Clock) -> None:
        self._prober = prober
        self._clock = clock

    async def fetch(self, target: Target, share: Share) -> Answer:
        """What the probe saw; why it failed is the answer's note."""
        findings = Findings()
        start_s = self._clock.monotonic_s()
        reason = ""
        try:
            async with asyncio.timeout(target.timeout_s):
                await self._prober(target.url, findings)
        except TimeoutError:
            reason = f"the probe took longer than {print_duration(target.timeout_s)}"
        except (ProbeFailed, TocsinError) as error:
            reason = str(error)
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            reason = describe(error)
        findings.gauge("probe_duration_seconds", self._clock.monotonic_s() - start_s, "How long the probe took")
        findings.gauge("probe_success", float(not reason), "Whether the probe was a success")
        body = findings.text()
        share.take(len(body))
        return Answer(body, PLAIN_TEXT, note=f"probe failed: {reason}" if reason else "")


async def resolve_address(host: str, options: IpOptions, findings: Findings, clock: Clock) -> tuple[str, float]:
    """
    An address of a host, of the version of IP that is preferred, and the seconds that it took to find.

    Raises:
        ProbeFailed: There is none.
    """
    start_s = clock.monotonic_s()
    wanted = socket.AF_INET6 if options.preferred_ip_protocol == "ip6" else socket.AF_INET
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ProbeFailed(f"the name {host!r} has no address: {describe(error)}") from error
    except UnicodeError as error:
        raise ProbeFailed(f"expected the name of a host, found {host!r}") from error
    taken_s = clock.monotonic_s() - start_s
    findings.gauge("probe_dns_lookup_time_seconds", taken_s, "How long the lookup of the name took")
    addresses = [(family, str(address[0])) for family, _, _, _, address in found]
    preferred = [address for family, address in addresses if family == wanted]
    others = [address for family, address in addresses if family != wanted] if options.ip_protocol_fallback else []
    if not preferred and not others:
        raise ProbeFailed(f"the name {host!r} has no address of {options.preferred_ip_protocol}")
    address = (preferred or others)[0]
    parsed = ip_address(address.partition("%")[0])
    findings.gauge("probe_ip_protocol", float(parsed.version), "Version of the Internet Protocol")
    findings.gauge("probe_ip_addr_hash", float(_fnv32a(parsed.packed)), "Hash of the address, to see that it changed")
    return address, taken_s


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection; a peer that does not want to part (TLS asks it to agree) is left without ceremony."""
    writer.close()
    try:
        async with asyncio.timeout(PARTING_S):
            await writer.wait_closed()
    except (TimeoutError, OSError):
        writer.transport.abort()
        await asyncio.sleep(0)


def split_address(target: str, *, default_port: int | None = None) -> tuple[str, int]:
    """
    Host and port of `host:port` or `[v6]:port`.

    Raises:
        ProbeFailed: It is neither.
    """
    host, colon, port = target.rpartition(":")
    if not colon or target.endswith("]") or (":" in host and not host.startswith("[")):  # without a port; of version 6 perhaps
        host, port = target, str(default_port or "")
    if not port.isascii() or not port.isdigit() or len(port) > 5 or not 0 < int(port) < 65_536 or not host:
        raise ProbeFailed(f"expected host:port, found {target!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _fnv32a(data: bytes) -> int:
    number = _FNV_START
    for byte in data:
        number = (number ^ byte) * _FNV_PRIME & 0xFFFFFFFF
    return number


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
