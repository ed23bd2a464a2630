"""The server's own log."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from tocsin.app.log import ConsoleFormatter, set_up_log
from tocsin.app.options import LogOptions


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def test_a_machine_reads_one_object_per_line(root: logging.Logger) -> None:
    """When standard error is no terminal, each record is a line of JSON, tracebacks included."""
    stream = io.StringIO()
    set_up_log(LogOptions(), stream=stream)
    try:
        raise ValueError("broken\nin two lines")
    except ValueError:
        logging.getLogger("tocsin.journal.lane").exception("segment %s", "x")
    entry = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert (entry["severity"], entry["logger"], entry["message"]) == ("ERROR", "tocsin.journal.lane", "segment x")
    assert "ValueError: broken" in entry["exception"]


def test_people_read_lines(root: logging.Logger) -> None:
    """For the console a record is time, severity when it matters, room and message."""
    stream = io.StringIO()
    set_up_log(LogOptions(format="console"), stream=stream)
    logging.getLogger("tocsin.journal.lane").warning("slow disk")
    logging.getLogger("tocsin.journal.lane").debug("not asked for")
    assert stream.getvalue().split(maxsplit=1)[1] == "WARNING journal   slow disk\n"


def test_libraries_are_quiet(root: logging.Logger) -> None:
    """What a library says about every request stays out of the log."""
    stream = io.StringIO()
    set_up_log(LogOptions(level="debug"), stream=stream)
    logging.getLogger("httpx").info("GET /")
    assert not stream.getvalue()


def test_colours_are_for_terminals() -> None:
    """Escape sequences appear only when asked for."""
    record = logging.LogRecord("tocsin.app.house", logging.ERROR, "", 0, "no", None, None)
    assert "\033" not in ConsoleFormatter(colours=False).format(record)
    assert "\033[31m" in ConsoleFormatter(colours=True).format(record)
