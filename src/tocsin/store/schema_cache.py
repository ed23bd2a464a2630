"""
Where the embedded engine writes the protobuf schemas that statements bring along.

It writes them to `__cache__` in the working directory, and no setting moves that: in a directory that can't be written (`/`, under a
service manager) it refuses every segment, elsewhere it leaves litter. But it looks at the working directory only once per process, when
it first reads protobuf. So that first time happens here, on purpose, with the engine's own directory as the working directory.

A schema that was written while the disk was full stays there torn, and the engine reads the torn file for ever after: it would refuse
every segment of that kind long after there is space again. So files left by an earlier process are removed at the start, and all of them
are whenever the engine does not find in a file what was just written to it.
"""

from __future__ import annotations

import re
import threading
from contextlib import chdir
from pathlib import Path
from typing import Any

FIRST_READ = """SELECT * FROM format(Protobuf, 'a Int32', '') SETTINGS format_schema_source = 'string',
format_schema = 'syntax = "proto3"; message First { int32 a = 1; }', format_schema_message_name = 'First'"""

# What the engine says when a schema's file is torn: of one that is empty, and of one that ends too soon.
TORN = re.compile(r"in the schema file '__cache__|__cache__/[0-9A-F-]+\.proto")

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
        _remove(directory)
        with chdir(directory):
            connection.query(FIRST_READ)
        _settled.append(directory)


def forget_torn_schemas(connection: Any, message: str) -> bool:
    """
    Have the engine forget all schemas, in memory and on disk, when its message says that one does not read; statements bring them again.

    Args:
        connection: An open connection to the embedded engine.
        message: What the engine said of a statement that failed.

    Returns:
        Whether that was what the message said: the same statement may work now.
    """
    if not TORN.search(message):
        return False
    connection.query("SYSTEM DROP FORMAT SCHEMA CACHE FOR Protobuf")
    with _lock:
        for directory in _settled:
            _remove(directory)
    return True


def _remove(directory: Path) -> None:
    """Delete the schemas on disk; the engine's own command for that looks for them in the working directory of the moment."""
    for schema in (directory / "__cache__").glob("*.proto"):
        schema.unlink(missing_ok=True)
