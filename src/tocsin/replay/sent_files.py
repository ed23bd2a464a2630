"""Files that somebody sends, put where their readers can read them; mistakes name them as their sender does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import TypeVar

from tocsin.errors import InvalidInput
from tocsin.replay.desk_records import TextFile

_Read = TypeVar("_Read")


class SentFiles:
    """
    Writes files that were sent, and reads them.

    Args:
        folder: An empty one, thrown away later.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[Path, str] = {}

    def read(self, files: Sequence[TextFile], reader: Callable[[Sequence[Path]], _Read]) -> _Read:
        """
        What a reader makes of some files.

        Raises:
            InvalidInput: They don't read; every mistake is said, with the names that the files were sent with.
        """
        paths = [self._write(file) for file in files]
        try:
            return reader(paths)
        except InvalidInput as error:
            raise InvalidInput(self._renamed(str(error))) from error

    def read_one(self, file: TextFile, reader: Callable[[Path], _Read]) -> _Read:
        """The same for one file."""
        return self.read([file], lambda paths: reader(paths[0]))

    def _write(self, file: TextFile) -> Path:
        # Its own folder: two files may have one name, and a reader may tell what a file is by its ending.
        folder = self._folder / str(len(self._names))
        folder.mkdir()
        path = folder / f"sent{PurePath(file.name).suffix[:10] or '.yaml'}"
        path.write_text(file.text, encoding="utf-8")
        self._names[path] = file.name
        return path

    def _renamed(self, message: str) -> str:
        for path, name in self._names.items():
            message = message.replace(str(path), name)
        return message
