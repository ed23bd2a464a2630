"""
When certificates end: read from the certificates themselves, so that one that is expired, or that nobody trusts, tells its date too.

Python gives dates of verified certificates only, so their place in the DER encoding is found here:

    Certificate ::= SEQUENCE { tbs SEQUENCE { [0] version OPTIONAL, serial, algorithm, issuer, validity SEQUENCE { notBefore, notAfter } ...

Source: RFC 5280, section 4.1; X.690 for lengths and times.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl
from dataclasses import dataclass
from typing import Any

_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_ENCODING_DER = 2  # the number that Python's own C module gives DER


@dataclass(frozen=True, slots=True)
class TlsState:
    """
    What a TLS connection shows.

    Args:
        version: `TLS 1.3`.
        cipher: Name of the cipher suite.
        earliest_expiry_s: When the first certificate of those that the server sent ends, seconds since 1970; None if none could be read.
        chain_expiry_s: The same of the chain that was verified; None without a verification.
        fingerprint: SHA-256 of the server's own certificate, hexadecimal; empty if it sent none.
    """

    version: str
    cipher: str
    earliest_expiry_s: float | None
    chain_expiry_s: float | None
    fingerprint: str


def tls_state(connection: ssl.SSLObject | ssl.SSLSocket) -> TlsState:
    """What is known of an open connection."""
    own = connection.getpeercert(binary_form=True)
    cipher = connection.cipher()
    verified = connection.context.verify_mode is not ssl.CERT_NONE
    return TlsState(
        (connection.version() or "").replace("TLSv", "TLS "),
        cipher[0] if cipher else "",
        _earliest(_chain(connection, "get_unverified_chain") or ([own] if own else [])),
        _earliest(_chain(connection, "get_verified_chain")) if verified else None,
        hashlib.sha256(own).hexdigest() if own else "",
    )


def not_after_s(certificate: bytes) -> float:
    """
    When a certificate ends, seconds since 1970-01-01 UTC.

    Args:
        certificate: In DER.

    Raises:
        ValueError: It is none.
    """
    inner = _inside(_inside(certificate, 0, _SEQUENCE), 0, _SEQUENCE)
    at = 0
    if inner[:1] == bytes([_VERSION]):
        at = _element(inner, at)[2]
    for _ in range(3):  # serial, algorithm, issuer
        at = _element(inner, at)[2]
    validity = _inside(inner, at, _SEQUENCE)
    tag, text, _ = _element(validity, _element(validity, 0)[2])
    return _time_s(tag, text.decode("ascii"))


def _chain(connection: ssl.SSLObject | ssl.SSLSocket, getter: str) -> list[bytes]:
    """The certificates of a connection in DER; before Python 3.13 only the object inside knows them."""
    public: Any = getattr(connection, getter, None)
    if public is not None:
        return [bytes(certificate) for certificate in public()]
    inner: Any = getattr(getattr(connection, "_sslobj", None), getter, None)
    found = inner() if inner is not None else None
    return [certificate.public_bytes(_ENCODING_DER) for certificate in found or ()]


def _earliest(chain: list[bytes]) -> float | None:
    ends = []
    for certificate in chain:
        try:
            ends.append(not_after_s(certificate))
        except ValueError:
            continue
    return min(ends, default=None)


def _inside(data: bytes, at: int, tag: int) -> bytes:
    found, content, _ = _element(data, at)
    if found != tag:
        raise ValueError(f"expected an element with the tag {tag:#x}, found {found:#x}")
    return content


def _element(data: bytes, at: int) -> tuple[int, bytes, int]:
    """The tag and the content of an element, and where the next one begins."""
    header = data[at : at + 2]
    if len(header) < 2:
        raise ValueError("the certificate breaks off")
    length, start = header[1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    if start + length > len(data):
        raise ValueError("the certificate breaks off")
    return header[0], data[start : start + length], start + length


def _time_s(tag: int, text: str) -> float:
    if tag == _UTC_TIME:  # two digits of the year, 50 and above mean the last century
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError(f"expected a time, found the tag {tag:#x}")
    return dt.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC).timestamp()
