"""Answers of DNS servers, put together by hand."""

from __future__ import annotations

import struct
from collections.abc import Sequence


def name_of(text: str) -> bytes:
    """A name, not compressed."""
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def record(kind: int, data: bytes, *, ttl: int = 60) -> bytes:
    """A record about the name of the question."""
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def answer_to(
    query: bytes, *, answers: Sequence[bytes] = (), authority: Sequence[bytes] = (), additional: Sequence[bytes] = (), rcode: int = 0
) -> bytes:
    """An answer that repeats the question."""
    counts = struct.pack(">HHHH", 1, len(answers), len(authority), len(additional))
    return query[:2] + struct.pack(">H", 0x8180 | rcode) + counts + query[12:] + b"".join([*answers, *authority, *additional])
