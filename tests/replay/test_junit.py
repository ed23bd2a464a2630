"""JUnit reports: counts, messages, and text that XML can't hold."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InvalidInput
from tocsin.replay.junit import JunitCase, JunitSuite, junit_xml, write_junit


def test_counts_and_messages() -> None:
    """Failures and errors are counted apart, per suite and in all; the first line is the message."""
    cases = [JunitCase("good", 0.5), JunitCase("bad", failure="too late\nby 3 minutes"), JunitCase("broken", error="no such file")]
    root = ET.fromstring(junit_xml([JunitSuite("guards", cases), JunitSuite("more", cases[:1])]))
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("time")) == ("4", "1", "1", "1.000")
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("too late", "too late\nby 3 minutes")


@given(st.text())
def test_any_text_becomes_xml(text: str) -> None:
    """Whatever a rule's name or a failure holds, the document parses."""
    root = ET.fromstring(junit_xml([JunitSuite(text, [JunitCase(text, failure=text)])]))
    assert len(root) == 1


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    """The refusal names the file."""
    with pytest.raises(InvalidInput, match="report can't be written"):
        write_junit(tmp_path / "none" / "report.xml", [])
