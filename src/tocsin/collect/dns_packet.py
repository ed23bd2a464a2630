"""
DNS messages: a question written, an answer read; as much as a probe needs.

    header (12 bytes): id, flags, counts of questions, answers, authority, additional
    question: name, type, class          record: name, type, class, ttl, length, data

Names are labels with their lengths; two high bits set mean 'go on at that offset', which must lie before, so reading always ends.

Source: RFC 1035, sections 4.1 and 4.2.2; RFC 3596 (AAAA), RFC 2782 (SRV).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from tocsin.collect.probe_options import RECORD_TYPES, RESPONSE_CODES

_TYPE_NAMES = {number: name for name, number in RECORD_TYPES.items()}
_QUERY, _INTERNET = 0x8000, 1
_RECURSION_DESIRED = 0x0100
_ONE_NAME = {"NS", "CNAME", "PTR"}


class MalformedDns(ValueError):
    """A message that is not DNS."""


@dataclass(frozen=True, slots=True)
class Record:
    """
    A resource record.

    Args:
        text: `name ttl class type data`, parted by tabs, as zone files write it.
        type: Name of its type.
        serial: Of an SOA record; None for others.
    """

    text: str
    type: str
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """
    An answer.

    Args:
        rcode: Name of its response code.
        question: Name and number of the type that it repeats; empty and 0 if it repeats none.
        answers: Records that answer.
        authority: Records of who knows.
        additional: What else it says, without the pseudo record of EDNS.
    """

    rcode: str
    question: tuple[str, int]
    answers: tuple[Record, ...]
    authority: tuple[Record, ...]
    additional: tuple[Record, ...]


def write_query(*, identity: int, name: str, query_type: str, recursion_desired: bool) -> bytes:
    """A question; `identity` has 16 bits."""
    flags = _RECURSION_DESIRED if recursion_desired else 0
    header = struct.pack(">HHHHHH", identity, flags, 1, 0, 0, 0)
    labels = [label.encode("idna") if not label.isascii() else label.encode() for label in name.rstrip(".").split(".") if label]
    return (
        header + b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack(">HH", RECORD_TYPES[query_type], _INTERNET)
    )


def read_answer(message: bytes, *, identity: int) -> DnsAnswer | None:
    """
    What a server answered; None if the message answers another question.

    Raises:
        MalformedDns: It is no DNS message.
    """
    try:
        found, flags, questions, *counts = struct.unpack_from(">HHHHHH", message)
        if found != identity or not flags & _QUERY:
            return None
        at, question = 12, ("", 0)
        for _ in range(questions):
            name, at = _name(message, at)
            question = (name, struct.unpack_from(">H", message, at)[0])
            at += 4
        sections = []
        for count in counts:
            records, at = _records(message, at, count)
            sections.append(records)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise MalformedDns("the answer breaks off") from error
    code = flags & 15
    rcode = RESPONSE_CODES[code] if code < len(RESPONSE_CODES) else f"RCODE{code}"
    return DnsAnswer(rcode, question, sections[0], sections[1], sections[2])


def _records(message: bytes, at: int, count: int) -> tuple[tuple[Record, ...], int]:
    records = []
    for _ in range(count):
        name, at = _name(message, at)
        number, kind, ttl, length = struct.unpack_from(">HHIH", message, at)
        start, at = at + 10, at + 10 + length
        if at > len(message):
            raise MalformedDns("a record breaks off")
        if number == 41:  # EDNS' pseudo record: about the message, not about the name
            continue
        type_name = _TYPE_NAMES.get(number, f"TYPE{number}")
        data, serial = _data(message, start, length, type_name)
        records.append(Record(f"{name}\t{ttl}\t{'IN' if kind == _INTERNET else f'CLASS{kind}'}\t{type_name}\t{data}", type_name, serial))
    return tuple(records), at


def _data(message: bytes, at: int, length: int, type_name: str) -> tuple[str, int | None]:
    """The data of a record as zone files write it, and the serial of an SOA."""
    raw = message[at : at + length]
    if type_name == "A" and length == 4:
        return str(IPv4Address(raw)), None
    if type_name == "AAAA" and length == 16:
        return str(IPv6Address(raw)), None
    if type_name in _ONE_NAME:
        return _name(message, at)[0], None
    if type_name == "MX":
        return f"{struct.unpack_from('>H', message, at)[0]} {_name(message, at + 2)[0]}", None
    if type_name == "SRV":
        priority, weight, port = struct.unpack_from(">HHH", message, at)
        return f"{priority} {weight} {port} {_name(message, at + 6)[0]}", None
    if type_name == "TXT":
        return " ".join(_texts(raw)), None
    if type_name == "SOA":
        server, at = _name(message, at)
        mailbox, at = _name(message, at)
        serial, *times = struct.unpack_from(">IIIII", message, at)
        return " ".join([server, mailbox, str(serial), *map(str, times)]), serial
    return f"\\# {length} {raw.hex().upper()}".rstrip(), None


def _texts(raw: bytes) -> list[str]:
    out, at = [], 0
    while at < len(raw):
        text = raw[at + 1 : at + 1 + raw[at]].decode("latin-1")
        out.append('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
        at += 1 + raw[at]
    return out


def _name(message: bytes, at: int) -> tuple[str, int]:
    """A name with its final dot, and where what follows it begins."""
    labels: list[str] = []
    after, lowest = -1, at
    while length := message[at]:
        if length & 0xC0:
            target = (length & 0x3F) << 8 | message[at + 1]
            after = at + 2 if after < 0 else after
            if length & 0xC0 != 0xC0 or target >= lowest:
                raise MalformedDns("a name refers to itself")
            at = lowest = target
            continue
        labels.append(message[at + 1 : at + 1 + length].decode("latin-1"))
        at += 1 + length
        if len(labels) > 127:
            raise MalformedDns("a name has more than 127 labels")
    return ".".join(labels) + ".", at + 1 if after < 0 else after
