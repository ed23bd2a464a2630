"""Addresses to listen on, as people write them: `127.0.0.1:4318`, `[::1]:4318`, `localhost:0`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

PORT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """A host name or IP address, without brackets, and a port; port 0 takes a free one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it: a wildcard address is shown as this machine's own."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://{Address(host, self.port)}"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """
    Read `host:port`.

    Raises:
        ValueError: It is not one; the message says what was expected.
    """
    host, separator, port = text.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"expected host:port, found {text!r}; put an IPv6 address into brackets: [::1]:4318")
    if not separator or not host or not port.isascii() or not port.isdecimal() or int(port) > PORT_MAX or any(c.isspace() for c in host):
        raise ValueError(f"expected host:port with a port from 0 to {PORT_MAX}, found {text!r}; write 127.0.0.1:4318")
    return Address(host, int(port))
