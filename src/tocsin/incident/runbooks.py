"""
Runbooks: Markdown files beside the rules, shown with an alert's values filled in, their steps ticked off one by one.

    ## Mitigate
    - [ ] Was something deployed just before {{ $labels.service }} broke? Roll it back.        step 1
    - [ ] Is the card processor slow? Tell customers.                                          step 2

Values come from telemetry, so from strangers: they are put in after the Markdown was read, as text that can't become a link or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tocsin.errors import InvalidInput, NotFound
from tocsin.model.incident import Tick

SIZE_MAX = 256 * 1024
PLACEHOLDER = re.compile(r"\{\{.*?\}\}")
STEP = re.compile(r"^(?P<head>\s*(?:[-*+]|\d+[.)])\s+)\[(?P<mark>[ xX])\]\s+(?P<text>.*\S)\s*$")
FENCE = re.compile(r"^\s*(```|~~~)")
REMOTE = re.compile(r"^https?://", re.IGNORECASE)
HELD = ("\ue000", "\ue001")  # of the private use area: no runbook has them
IN_TEXT = re.compile(f"{HELD[0]}(\\d+){HELD[1]}")
IN_ADDRESS = re.compile(f"{quote(HELD[0])}(\\d+){quote(HELD[1])}")
SIMPLE = re.compile(r"\{\{-?\s*(?:\$|\.)(?P<name>[Ll]abels|[Aa]nnotations|[Vv]alue)(?:\.(?P<key>[A-Za-z_]\w*))?\s*-?\}\}")

Render: TypeAlias = Callable[[str, "Values"], str]


@dataclass(frozen=True, slots=True)
class Values:
    """What is filled in: an alert's labels, annotations and value."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    value: float | None = None


@dataclass(frozen=True, slots=True)
class RunbookStep:
    """A step: its number from 1, its words with values filled in, and who did it; None while nobody has."""

    number: int
    text: str
    done: Tick | None


@dataclass(frozen=True, slots=True)
class Runbook:
    """
    A runbook for one incident.

    Args:
        path: As the alert names it: a path within the directory of runbooks, or a URL.
        title: Its first heading; the path without one.
        url: Where it is when it is not ours to show; empty for files.
        text: Markdown with values filled in; for terminals.
        html: The same as HTML that is safe to show.
        steps: What is to be done, in order.
    """

    path: str
    title: str
    url: str
    text: str
    html: str
    steps: tuple[RunbookStep, ...]


class Runbooks:
    """
    Reads runbooks within one directory, anew each time. Safe to use from several threads.

    Args:
        directory: Nothing outside it is read; empty for none.
        render: Fills in values; by default `{{ $labels.x }}`, `{{ $annotations.x }}` and `{{ $value }}`.
    """

    def __init__(self, directory: str, render: Render | None = None) -> None:
        self._directory = Path(directory).resolve() if directory else None
        self._render: Render = render or fill_in

    def show(self, path: str, values: Values, ticks: Sequence[Tick] = ()) -> Runbook:
        """
        A runbook with an alert's values.

        Args:
            path: As the alert names it.
            values: What is filled in.
            ticks: Steps that were done, of any runbook.

        Raises:
            NotFound: There is none at that place, or it lies outside of the directory.
            InvalidInput: It is too large, or no text.
        """
        if REMOTE.match(path):
            return Runbook(path, path, path, "", "", ())
        source = self._read(path)
        done = {tick.step: tick for tick in ticks if tick.runbook == path}

        def fill(text: str) -> str:
            return PLACEHOLDER.sub(lambda found: self._render(found[0], values), text)

        steps = tuple(RunbookStep(number, fill(text), done.get(number)) for number, text in steps_of(source))
        marked = with_marks(source, done)
        title = next((line.lstrip("# ").strip() for line in source.splitlines() if line.startswith("#")), path)
        return Runbook(path, fill(title), "", fill(marked), html_of(marked, fill), steps)

    def _read(self, path: str) -> str:
        if self._directory is None:
            raise NotFound(f"the runbook {path!r} can't be shown: set incident.runbooks to the directory of runbooks")
        place = (self._directory / path.lstrip("/")).resolve() if "\x00" not in path else self._directory
        if not place.is_relative_to(self._directory) or place.suffix != ".md" or not place.is_file():
            raise NotFound(f"there is no runbook {path!r}: expected a Markdown file (.md) within the directory of incident.runbooks")
        try:
            content = place.read_bytes()
        except OSError as error:
            raise NotFound(f"the runbook {path!r} can't be read: {error.strerror}") from error
        if len(content) > SIZE_MAX:
            raise InvalidInput(f"the runbook {path!r} has {len(content)} bytes, more than {SIZE_MAX}; split it")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the runbook {path!r} is not UTF-8: {error.reason} at byte {error.start}") from error


def fill_in(placeholder: str, values: Values) -> str:
    """The value of `{{ $labels.x }}`, `{{ $annotations.x }}` or `{{ $value }}`; any other placeholder stays as it is."""
    found = SIMPLE.fullmatch(placeholder)
    if found is None:
        return placeholder
    name, key = found["name"].lower(), found["key"]
    if name == "value":
        return placeholder if key else "unknown" if values.value is None else f"{values.value:g}"
    texts = values.labels if name == "labels" else values.annotations
    return texts.get(key, "") if key else placeholder


def steps_of(source: str) -> list[tuple[int, str]]:
    """Steps with their numbers from 1, in the order in which they stand; none within blocks of code."""
    return [(number, found["text"]) for number, found in enumerate(_step_lines(source).values(), 1)]


def with_marks(source: str, done: Mapping[int, Tick]) -> str:
    """The Markdown with each step numbered, and with a mark and a name where it was done."""
    lines = source.splitlines()
    for number, (index, found) in enumerate(_step_lines(source).items(), 1):
        tick = done.get(number)
        by = f" (done by {_plain(tick.by)})" if tick else ""
        lines[index] = f"{found['head']}{'☑' if tick else '☐'} {number}: {found['text']}{by}"
    return "\n".join(lines) + "\n"


def html_of(source: str, fill: Callable[[str], str] = str) -> str:
    """
    Markdown as HTML: raw HTML in it is shown, not obeyed; links lead only to web pages and mail.

    Args:
        source: Markdown.
        fill: The value of a placeholder; what it says becomes text, or one word of an address.
    """
    placeholders: list[str] = []

    def hold(found: re.Match[str]) -> str:
        placeholders.append(found[0])
        return f"{HELD[0]}{len(placeholders) - 1}{HELD[1]}"

    # A placeholder has blanks and signs that mean something in Markdown: while it is read, a word stands in its place.
    held = PLACEHOLDER.sub(hold, source.translate({ord(mark): None for mark in HELD}))
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = reader.parse(held)
    values = [fill(placeholder) for placeholder in placeholders]
    for token in tokens:
        _fill_token(token, values)
    return str(reader.renderer.render(tokens, reader.options, {}))


def _fill_token(token: Token, values: Sequence[str]) -> None:
    for child in token.children or ():
        _fill_token(child, values)
    token.content = IN_TEXT.sub(lambda found: values[int(found[1])], token.content)
    token.info = IN_TEXT.sub("", token.info)
    for name, text in token.attrs.items():
        if isinstance(text, str):
            # In an address it must be one word, whatever it says.
            token.attrs[name] = IN_TEXT.sub(
                lambda found: values[int(found[1])], IN_ADDRESS.sub(lambda found: quote(values[int(found[1])], safe=""), text)
            )


def _step_lines(source: str) -> dict[int, re.Match[str]]:
    found, fenced = {}, False
    for index, line in enumerate(source.splitlines()):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and (step := STEP.match(line)):
            found[index] = step
    return found


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~])", r"\\\1", text)
