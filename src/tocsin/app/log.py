"""
The server's own log, on standard error: lines for people, or one JSON object per line for machines.

    11:02:12.204 WARNING journal   segment traces-... is in quarantine: ...
    {"time": "2026-11-20T11:02:12.204000000Z", "severity": "WARNING", "logger": "tocsin.journal.journal", "message": "..."}

Configured here and nowhere else: every other module only asks for its logger.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TextIO

from tocsin.app.options import LogOptions
from tocsin.model.instant import NANOSECONDS, format_instant

ROOM_WIDTH = 9
COLOURS = {logging.WARNING: "\033[33m", logging.ERROR: "\033[31m", logging.CRITICAL: "\033[31m"}
RESET = "\033[0m"
# Libraries that tell about every request or every statement at INFO.
QUIET = ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "httpcore", "asyncio", "alembic", "sqlalchemy")


def set_up_log(options: LogOptions, *, stream: TextIO | None = None) -> None:
    """Send what the process logs to `stream` (standard error by default), and nothing of it anywhere else."""
    stream = stream or sys.stderr
    terminal = stream.isatty()
    as_json = options.format == "json" or (options.format == "auto" and not terminal)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if as_json else ConsoleFormatter(colours=terminal))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(options.level.upper())
    for name in QUIET:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(logging.WARNING, root.level))


class JsonFormatter(logging.Formatter):
    """One object per record; what is passed as `extra` is not looked at."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        entry = {
            "time": format_instant(round(record.created * 1000) * (NANOSECONDS // 1000)),
            "severity": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class ConsoleFormatter(logging.Formatter):
    """Time, severity where it is more than information, room, message."""

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, its traceback below."""
        parts = record.name.split(".")
        room = parts[1] if parts[0] == "tocsin" and len(parts) > 1 else parts[0]
        severity = "" if record.levelno == logging.INFO else f"{record.levelname} "
        if severity and self._colours:
            severity = f"{COLOURS.get(record.levelno, '')}{severity}{RESET}"
        line = f"{self.formatTime(record, '%H:%M:%S')}.{int(record.msecs):03d} {severity}{room:<{ROOM_WIDTH}} {record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
