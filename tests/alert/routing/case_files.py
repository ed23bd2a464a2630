"""Files of cases: many small configurations in one file, each with a name and, where it is wrong, with what is said about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FILES = Path(__file__).with_name("files")
SECRET_FILES = ("f", "b", "c", "y")  # that configurations name; each holds an address


@dataclass(frozen=True, slots=True)
class Case:
    """A configuration: its name, what is said about it, its text."""

    name: str
    mistakes: tuple[str, ...]
    text: str


def cases(name: str) -> list[Case]:
    """The cases of a file."""
    parts = re.split(r"^--- # (\S+)\n", (FILES / f"{name}.yaml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [_case(title, body) for title, body in zip(parts[1::2], parts[2::2], strict=True)]


def write_secrets(folder: Path) -> None:
    """The files that configurations name."""
    for name in SECRET_FILES:
        (folder / name).write_text("http://hidden.example/\n", encoding="utf-8")


def _case(name: str, body: str) -> Case:
    lines = body.splitlines(keepends=True)
    mistakes = tuple(line[2:].strip() for line in lines if line.startswith("#!"))
    return Case(name, mistakes, "".join(line for line in lines if not line.startswith("#!")))
