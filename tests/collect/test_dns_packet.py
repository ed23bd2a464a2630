"""DNS messages, written and read."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collect.dns_messages import answer_to, name_of, record

from tocsin.collect.dns_packet import MalformedDns, read_answer, write_query

QUERY = write_query(identity=77, name="shop.example.org", query_type="A", recursion_desired=True)


def test_a_question_has_its_bytes() -> None:
    """Header, name, type and class stand as the standard draws them."""
    assert QUERY == b"\x00\x4d\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04shop\x07example\x03org\x00\x00\x01\x00\x01"
    assert write_query(identity=1, name=".", query_type="NS", recursion_desired=False)[12:] == b"\x00\x00\x02\x00\x01"


def test_records_read_as_zone_files_write_them() -> None:
    """Each kind of data that a probe may look at has its text; others are hexadecimal."""
    soa = name_of("ns.example.org") + name_of("boss.example.org") + struct.pack(">IIIII", 2026, 1, 2, 3, 4)
    cases = {
        1: (bytes([10, 0, 0, 7]), "A\t10.0.0.7"),
        28: (bytes(15) + b"\x01", "AAAA\t::1"),
        5: (b"\xc0\x0c", "CNAME\tshop.example.org."),
        15: (b"\x00\x0a" + name_of("mx.example.org"), "MX\t10 mx.example.org."),
        16: (b'\x03a"b\x01c', 'TXT\t"a\\"b" "c"'),
        33: (struct.pack(">HHH", 1, 2, 443) + name_of("srv"), "SRV\t1 2 443 srv."),
        6: (soa, "SOA\tns.example.org. boss.example.org. 2026 1 2 3 4"),
        999: (b"\xab", "TYPE999\t\\# 1 AB"),
    }
    message = answer_to(QUERY, answers=[record(kind, data) for kind, (data, _) in cases.items()])
    answer = read_answer(message, identity=77)
    assert answer is not None
    assert answer.question == ("shop.example.org.", 1)
    assert [item.text for item in answer.answers] == [f"shop.example.org.\t60\tIN\t{text}" for _, text in cases.values()]
    assert [item.serial for item in answer.answers if item.serial] == [2026]


def test_sections_and_codes_are_told_apart() -> None:
    """Counts, codes and the pseudo record of EDNS, which is none."""
    ns = record(2, name_of("ns"))
    message = answer_to(QUERY, authority=[ns, ns], additional=[record(1, bytes(4)), record(41, b"")], rcode=3)
    answer = read_answer(message, identity=77)
    assert answer is not None
    assert (answer.rcode, len(answer.answers), len(answer.authority), len(answer.additional)) == ("NXDOMAIN", 0, 2, 1)


def test_answers_to_others_are_left() -> None:
    """Another identity, or a question, is no answer."""
    assert read_answer(answer_to(QUERY), identity=78) is None
    assert read_answer(QUERY, identity=77) is None


@pytest.mark.parametrize("name", [b"\xc0\x0c", b"\x01a\xc0\x0c", b"\xc0\x20", b"\x81", b"\x05ab"])
def test_names_without_end_are_refused(name: bytes) -> None:
    """A name that refers to itself, ahead, or nowhere is an error, not a loop."""
    header = struct.pack(">HHHHHH", 77, 0x8000, 1, 0, 0, 0)
    with pytest.raises(MalformedDns):
        read_answer(header + name, identity=77)


@given(st.data())
def test_any_bytes_are_read_or_refused(data: st.DataObject) -> None:
    """A server can send what it likes; the only failure is MalformedDns."""
    whole = bytearray(
        answer_to(QUERY, answers=[record(15, b"\x00\x0a" + name_of("mx.example.org")), record(6, b"\xc0\x0c\xc0\x0c" + bytes(20))])
    )
    for _ in range(data.draw(st.integers(min_value=0, max_value=4))):
        whole[data.draw(st.integers(min_value=12, max_value=len(whole) - 1))] = data.draw(st.integers(min_value=0, max_value=255))
    with contextlib.suppress(MalformedDns):
        read_answer(bytes(whole[: data.draw(st.integers(min_value=0, max_value=len(whole)))]), identity=77)
