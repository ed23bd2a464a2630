"""
Files that a server follows: which ones a pattern matches, and what changes when one of them does.

    files_matching("slo/*.yaml")        [Path("slo/cart.yaml"), Path("slo/search.yaml")]
    files_matching("slo/cart.yaml")     [Path("slo/cart.yaml")]; nothing when there is no such file
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

Stamp: TypeAlias = tuple[int, int, int]

GONE: Stamp = (0, 0, 0)
WILDCARDS = "*?["


def is_pattern(path: str) -> bool:
    """Whether it may match several files, rather than name one."""
    return any(character in path for character in WILDCARDS)


def files_matching(pattern: str) -> list[Path]:
    """
    The files of one pattern, sorted.

    Args:
        pattern: A path; `*` and `?` stand for any name, `**` for any folders.
    """
    path = Path(pattern)
    if not is_pattern(pattern):
        return [path] if path.is_file() else []
    try:
        return sorted(match for match in Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))) if match.is_file())
    except (ValueError, NotImplementedError, OSError):
        return []


def files_of(patterns: Iterable[str]) -> tuple[list[Path], list[str]]:
    """The files of several patterns, each once in the order of the patterns; and the patterns that match none."""
    found = {pattern: files_matching(pattern) for pattern in patterns}
    return list(dict.fromkeys(path for paths in found.values() for path in paths)), [
        pattern for pattern, paths in found.items() if not paths
    ]


def stamp_of(path: Path) -> Stamp:
    """What changes when a file does: when it was written, its size, and which file it is (editors write a new one and rename it)."""
    try:
        status = path.stat()
    except OSError:
        return GONE
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def stamps_of(paths: Sequence[Path]) -> tuple[tuple[Path, Stamp], ...]:
    """The stamps of several files, each with its path."""
    return tuple((path, stamp_of(path)) for path in paths)
