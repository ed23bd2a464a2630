"""Lab 1, run as a student would run it."""

from __future__ import annotations

import ast

import pytest

from tocsin.demo.labs import structured_logging


@pytest.fixture(scope="module")
def sections() -> dict[str, list[dict[str, object]]]:
    """What the lab shows: the records under each section's letter."""
    shown: dict[str, list[dict[str, object]]] = {}
    letter = ""

    def say(line: str) -> None:
        nonlocal letter
        if line.startswith("===="):
            letter = line.split()[1].rstrip(".")
            shown[letter] = []
        else:
            shown[letter].append(ast.literal_eval(line.strip()))

    structured_logging.main(say)
    return shown


def test_a_shows_every_record(sections: dict[str, list[dict[str, object]]]) -> None:
    """Section A: all records, as they were sent, with their types."""
    assert sections["A"] == list(structured_logging.RECORDS)


def test_b_finds_exactly_the_failed_retrieval(sections: dict[str, list[dict[str, object]]]) -> None:
    """Section B: query(event="tool", tool="retrieve", error=True) gives one record."""
    assert sections["B"] == [{"request_id": "req-B", "event": "tool", "tool": "retrieve", "latency_ms": 5000, "error": True}]


def test_c_tells_the_story_of_the_failing_request(sections: dict[str, list[dict[str, object]]]) -> None:
    """Section C: request, tool error, 503, in this order, and nothing of req-A."""
    assert [record["event"] for record in sections["C"]] == ["request", "tool", "response"]
    assert {record["request_id"] for record in sections["C"]} == {"req-B"}
    assert sections["C"][1]["error"] is True
    assert sections["C"][2]["status"] == 503
