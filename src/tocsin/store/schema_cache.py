"""
Where the embedded engine writes the protobuf schemas that statements bring along.

It writes them to `__cache__` in the working directory, and no setting moves that: in a directory that can't be written (`/`, under a
service manager) it refuses every segment, elsewhere it leaves litter. But it looks at the working directory only once per process, when
it first reads protobuf. So that first time happens here, on purpose, with the engine's own directory as the working directory.
"""

from __future__ import annotations

import threading
from contextlib import chdir
from pathlib import Path
from typing import Any

FIRST_READ = """SELECT * FROM format(Protobuf, 'a Int32', '') SETTINGS format_schema_source = 'string',
format_schema = 'syntax = "proto3"; message First { int32 a = 1; }', format_schema_message_name = 'First'"""

_lock = threading.Lock()
_settled: list[Path] = []  # the directory that this process settled on


def settle_schema_cache(connection: Any, directory: Path) -> None:
    """
    Let the engine keep its schemas in `directory`, or where this process settled before; that one is made again if it is gone.

    Args:
        connection: An open connection to the embedded engine.
        directory: An existing directory that can be written.
    """
    with _lock:
        if _settled:
            _settled[0].mkdir(parents=True, exist_ok=True)
            return
        directory = directory.absolute()
        with chdir(directory):
            connection.query(FIRST_READ)
        _settled.append(directory)
