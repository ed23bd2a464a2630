"""
Results as JUnit XML, the format in which continuous integration shows tests.

    <testsuites tests="2" failures="1" errors="0" time="0.412">
      <testsuite name="guards" tests="2" failures="1" errors="0" time="0.412">
        <testcase classname="guards" name="checkout-down" time="0.300"/>
        <testcase classname="guards" name="quiet-week" time="0.112"><failure message="...">...</failure></testcase>

Source: the format as Jenkins and GitLab document it ('Unit test reports').
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tocsin.errors import InvalidInput

# What XML 1.0 can't hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MESSAGE_CHARACTERS_MAX = 400


@dataclass(frozen=True, slots=True)
class JunitCase:
    """
    One test.

    Args:
        name: What it is called.
        duration_s: Seconds it took.
        failure: What was not as expected; empty when it passed.
        error: Why it could not be run; empty when it could.
    """

    name: str
    duration_s: float = 0.0
    failure: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class JunitSuite:
    """Tests that belong together."""

    name: str
    cases: Sequence[JunitCase]


def junit_xml(suites: Sequence[JunitSuite]) -> str:
    """All suites as one document."""
    root = ET.Element("testsuites")
    for suite in suites:
        node = ET.SubElement(root, "testsuite", {"name": _clean(suite.name)})
        _sum_up(node, suite.cases)
        for case in suite.cases:
            _add_case(node, suite.name, case)
    _sum_up(root, [case for suite in suites for case in suite.cases])
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def write_junit(path: Path, suites: Sequence[JunitSuite]) -> None:
    """
    Write the document.

    Raises:
        InvalidInput: The file can't be written.
    """
    try:
        path.write_text(junit_xml(suites), encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"the JUnit report can't be written to {path}: {error.strerror}") from error


def _sum_up(node: ET.Element, cases: Sequence[JunitCase]) -> None:
    node.set("tests", str(len(cases)))
    node.set("failures", str(sum(bool(case.failure) and not case.error for case in cases)))
    node.set("errors", str(sum(bool(case.error) for case in cases)))
    node.set("time", f"{sum(case.duration_s for case in cases):.3f}")


def _add_case(suite: ET.Element, classname: str, case: JunitCase) -> None:
    attributes = {"classname": _clean(classname), "name": _clean(case.name), "time": f"{case.duration_s:.3f}"}
    node = ET.SubElement(suite, "testcase", attributes)
    for kind, text in (("error", case.error), ("failure", case.failure if not case.error else "")):
        if text:
            message = _clean(text.partition("\n")[0])[:MESSAGE_CHARACTERS_MAX]
            ET.SubElement(node, kind, {"message": message}).text = _clean(text)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
