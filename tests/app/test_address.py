"""Addresses to listen on."""

from __future__ import annotations

import pytest

from tocsin.app.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:4318", "127.0.0.1", 4318, True),
        ("[::1]:0", "::1", 0, True),
        ("localhost:80", "localhost", 80, True),
        ("0.0.0.0:4318", "0.0.0.0", 4318, False),
        ("desk.example:65535", "desk.example", 65535, False),
    ],
)
def test_an_address_is_read_and_written_back(text: str, host: str, port: int, loopback: bool) -> None:
    """Host and port come out, brackets stay with IPv6, and only this machine's addresses are loopback."""
    address = parse_address(text)
    assert (address.host, address.port, address.loopback, str(address)) == (host, port, loopback, text)


@pytest.mark.parametrize(
    "text", ["", "4318", ":4318", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "::1:4318", "a b:1", "h:²"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Everything else is refused with an example of what was expected."""
    with pytest.raises(ValueError, match="expected host:port"):
        parse_address(text)


def test_a_wildcard_is_shown_as_this_machine() -> None:
    """The address that people are told to open is one that a browser can open."""
    assert Address("0.0.0.0", 4318).url == "http://127.0.0.1:4318"
    assert Address("::", 4318).url == "http://[::1]:4318"
