"""
Targets that are written in files (`file_sd_configs`): read again when they change, kept as they were while they are broken.

Whoever writes such a file may be caught in the middle of it, or fail; a service that is watched must not drop out of sight for that.
So what does not parse is said, and the last good state of that file holds. A file that is gone takes its targets with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from tocsin.clock import Clock
from tocsin.collect.options import FileDiscovery, StaticConfig
from tocsin.collect.targets import META_FILE, Group

FILE_BYTES_MAX = 64 * 1024 * 1024

_GROUPS = TypeAdapter(tuple[StaticConfig, ...])


@dataclass(slots=True)
class _File:
    """What is known of one file: its last good groups, how it looked then, when it was read, what is wrong with it now."""

    groups: tuple[Group, ...] = ()
    stamp: tuple[int, int, int] = (0, 0, 0)
    read_s: float = 0.0
    mistake: str = ""


class FileTargets:
    """
    The groups of a job's files.

    Args:
        configs: What the job says.
        clock: Says when a file is due to be read again.
        directory: What relative paths start from.
    """

    def __init__(self, configs: Sequence[FileDiscovery], *, clock: Clock, directory: Path = Path()) -> None:
        self._configs = configs
        self._clock = clock
        self._directory = directory
        self._files: dict[Path, _File] = {}

    def refresh(self) -> bool:
        """Look at all files, read those that changed or are due; whether any group is different now."""
        now_s = self._clock.monotonic_s()
        changed = False
        found: dict[Path, _File] = {}
        for path, refresh_s in self._paths():
            known = self._files.get(path)
            file = known or _File()
            before = file.groups
            self._look(path, file, now_s, refresh_s, new=known is None)
            changed |= file.groups != before
            found[path] = file
        changed |= any(file.groups for path, file in self._files.items() if path not in found)
        self._files = found
        return changed

    def groups(self) -> list[Group]:
        """The last good groups of every file."""
        return [group for file in self._files.values() for group in file.groups]

    def mistakes(self) -> list[str]:
        """What is wrong with files now, one sentence each."""
        return [file.mistake for file in self._files.values() if file.mistake]

    def _paths(self) -> Iterable[tuple[Path, float]]:
        seen: dict[Path, float] = {}
        for config in self._configs:
            for pattern in config.files:
                whole = self._directory / pattern
                found = sorted(whole.parent.glob(whole.name)) if "*" in whole.name else [whole]
                for path in found:
                    if path in self._files or path.exists():
                        seen.setdefault(path, config.refresh_interval)
        # A file that was there and is gone is left out; one that is there and can't be read stays, with its last good groups.
        return [(path, refresh_s) for path, refresh_s in seen.items() if path.exists()]

    def _look(self, path: Path, file: _File, now_s: float, refresh_s: float, *, new: bool) -> None:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if not new and stamp == file.stamp and now_s - file.read_s < refresh_s:
                return
            if status.st_size > FILE_BYTES_MAX:
                raise ValueError(f"expected at most {FILE_BYTES_MAX} bytes, found {status.st_size}")
            groups = read_groups(path)
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            file.mistake = f"{path}: {_reason(error)}; its last good targets stay"
        else:
            file.groups, file.mistake = groups, ""
            file.stamp, file.read_s = stamp, now_s


def read_groups(path: Path) -> tuple[Group, ...]:
    """
    The groups of one file.

    Raises:
        OSError: It can't be read.
        ValueError: It is no list of groups.
        yaml.YAMLError: It is no YAML.
    """
    text = path.read_text(encoding="utf-8")
    data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    groups = _GROUPS.validate_python(() if data is None else data)
    return tuple(Group(str(path), group.targets, {**group.labels, META_FILE: str(path)}) for group in groups)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"expected a list of groups with targets and labels; {place + ': ' if place else ''}{first['msg']}"
    if isinstance(error, OSError) and error.strerror:
        return f"can't be read: {error.strerror}"
    return " ".join(str(error).split())
