"""
The text of a page, the same for every channel: each makes its own markup of it.

    P1: checkout-availability burns 33.3x too fast
    At this rate the 30-day budget is gone in 21 h; 31 % is left; 214 of 9,870 events were bad in the last 1 h.
    Since 02:03 UTC (4 min).
    6 min before: checkout v2.3.1 was deployed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LINE_CHARS_MAX = 2_000
TITLE_CHARS_MAX = 300
_CONTROL = {number: None for number in range(32) if chr(number) not in "\n\t"} | {127: None}


@dataclass(frozen=True, slots=True)
class PageLink:
    """
    Where to look.

    Args:
        kind: `trace`, `logs`, `runbook`, `dashboard`, `objective`, `silence`, `rule`.
        label: For people.
        url: http or https; empty where it is only a name, as a runbook's path.
    """

    kind: str
    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class PageText:
    """
    What a page says; plain text without markup, clean of control characters, every piece bounded.

    Args:
        title: One line.
        lines: Sentences, the most important first.
        alerts: One line per alert where there are several.
        links: Where to look.
        severity: `P1` to `P4`; empty when no alert says.
        firing: Whether something still is wrong.
    """

    title: str
    lines: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    links: tuple[PageLink, ...] = field(default=())
    severity: str = ""
    firing: bool = True

    @property
    def body(self) -> str:
        """All but the title as plain text."""
        parts = ["\n".join(self.lines)]
        if self.alerts:
            parts.append("\n".join(f"- {one}" for one in self.alerts))
        if self.links:
            parts.append("\n".join(f"{link.label}: {link.url}" if link.url else link.label for link in self.links))
        return "\n\n".join(part for part in parts if part)

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return f"{self.title}\n\n{self.body}" if self.body else self.title


def clean(text: str, chars_max: int = LINE_CHARS_MAX) -> str:
    """A text without control characters and half characters, cut with `...` where it is too long."""
    shown = text[: chars_max * 2].translate(_CONTROL).encode("utf-8", "replace").decode("utf-8").strip()
    return shown if len(shown) <= chars_max and len(text) <= chars_max * 2 else f"{shown[: chars_max - 3].rstrip()}..."


def one_line(text: str, chars_max: int = LINE_CHARS_MAX) -> str:
    """The same on one line."""
    return clean(" ".join(text[: chars_max * 4].split()), chars_max)
