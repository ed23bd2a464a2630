"""
What commands print: telemetry made harmless for a terminal, times and durations for people, one colour per service.

Log bodies come from strangers. Control characters in them could move the cursor, rewrite lines or set the window's title, so they
are shown as symbols.
"""

from __future__ import annotations

import json
import shutil
import unicodedata
import zlib
from typing import Any

from rich.console import Console
from rich.text import Text

SERVICE_COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta", "bright_blue")
SEVERITY_STYLES = ((21, "bold red"), (17, "red"), (13, "yellow"), (9, ""), (1, "dim"))  # lowest severity number, style
VALUE_LENGTH_MAX = 200  # of an attribute on a line, a stack trace for example; --json has all of it
INSTANT_LENGTH = len("2026-11-20T11:02:03.123")
SHORT_INSTANT = slice(len("2026-"), len("2026-11-20T11:02:03"))
PIPE_WIDTH = 200  # of what is drawn as wide as there is room
UNCUT = 1_000_000  # cells: who reads a pipe, `grep` or a file, has room for every name
NARROW_BELOW = 110  # columns: the 32 digits of a trace id leave too little of 80 or 100 for everything else
NS_PER_MS = 1_000_000


def console() -> Console:
    """Standard output; lines are neither wrapped nor cut in a pipe, so that grep sees them whole, unless COLUMNS says how wide it is."""
    out = Console(highlight=False, emoji=False, markup=False)
    out.soft_wrap = not out.is_terminal
    if not out.is_terminal:  # COLUMNS goes first: `watch` reads a pipe, shows it on a terminal, and sets it
        out.width = shutil.get_terminal_size((PIPE_WIDTH, 0)).columns
    return out


def table_width(out: Console) -> int:
    """Cells that lines of tables may have: those of a terminal, or what COLUMNS says; else nothing is cut."""
    return out.width if out.is_terminal else shutil.get_terminal_size((UNCUT, 0)).columns


def clean(text: str, *, lines: bool = False) -> str:
    """The text without anything that a terminal would act on; `lines` leaves line ends standing."""
    kept = "\n\t" if lines else ""
    if text.isprintable():
        return text
    return "".join(char if char in kept or unicodedata.category(char) not in {"Cc", "Cf", "Zl", "Zp"} else _symbol(char) for char in text)


def is_narrow(out: Console) -> bool:
    """Whether tables leave out what matters least."""
    return out.width < NARROW_BELOW


def show_instant(text: str, *, short: bool = False) -> str:
    """`2026-11-20T11:02:03.123456789Z` as `2026-11-20 11:02:03.123`, or for narrow tables `11-20 11:02:03`."""
    return text[SHORT_INSTANT if short else slice(INSTANT_LENGTH)].replace("T", " ")


def show_duration_ns(nanoseconds: int) -> str:
    """`412 us`, `12.3 ms`, `1.20 s`, `2 m 5 s`."""
    milliseconds = nanoseconds / NS_PER_MS
    if milliseconds < 1:
        return f"{nanoseconds / 1000:.0f} us"
    if milliseconds < 1000:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.2f} s"
    return f"{int(milliseconds // 60_000)} m {milliseconds % 60_000 / 1000:.0f} s"


def show_ms(milliseconds: float | None) -> str:
    """The same for milliseconds; a dash where nothing was observed."""
    return "-" if milliseconds is None else show_duration_ns(round(milliseconds * NS_PER_MS))


def show_ratio(ratio: float | None) -> str:
    """`0.25` as `25.0 %`; a dash where nothing was observed."""
    return "-" if ratio is None else f"{ratio * 100:.1f} %"


def service_text(service: str) -> Text:
    """The service's name in its colour, the same in every command and every run."""
    return Text(clean(service), style=service_colour(service))


def service_colour(service: str) -> str:
    """A colour that depends on the name alone."""
    return SERVICE_COLOURS[zlib.crc32(service.encode()) % len(SERVICE_COLOURS)]


def severity_style(number: int) -> str:
    """How a record of that OTLP severity looks."""
    return next((style for lowest, style in SEVERITY_STYLES if number >= lowest), "")


def attribute_text(attributes: dict[str, Any]) -> Text:
    """`event=tool latency_ms=5000 error=true`, names dimmed."""
    text = Text()
    for name, value in attributes.items():
        text.append(" " if text else "").append(clean(name), "dim").append("=", "dim").append(show_value(value))
    return text


def show_value(value: Any) -> str:
    """A value as JSON would write it, a text without quotes unless it has spaces or is empty; long ones are cut."""
    plain = isinstance(value, str) and value and not any(char.isspace() for char in value)
    text = str(value) if plain else json.dumps(value, ensure_ascii=False)
    return clean(text if len(text) <= VALUE_LENGTH_MAX else f"{text[:VALUE_LENGTH_MAX]}... ({len(text)} characters)")


def _symbol(char: str) -> str:
    number = ord(char)
    if number < 0x20:
        return chr(0x2400 + number)
    return "\u2421" if number == 0x7F else f"\\u{number:04x}"
