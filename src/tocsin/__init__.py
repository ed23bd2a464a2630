"""
Tocsin: the operations desk of a team that runs Python and AI services.

    import tocsin

    with tocsin.open("tocsin-data") as desk:
        desk.logs("error:true", start="now-1h")

Importing this loads nothing of the server: it is what a user's own service carries.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.query.desk import Desk

__all__ = ["open"]


def open(directory: str | Path) -> Desk:  # noqa: A001 (tocsin.open reads as gzip.open does)
    """
    Ask questions of a data directory without a server.

    What the journal still holds is loaded first. The result is a context manager; close it, or leave its `with`, before a server
    or another process opens the directory. Needs the server extra: `pip install 'tocsin[server]'`.

    Args:
        directory: What `tocsin up --data` was given; created when missing.

    Raises:
        Conflict: A server, or another process, has the directory open.
        StoreError: The engine does not start.
    """
    # Here, because importing tocsin must not load the server: half a gigabyte that a user's own service has no use for.
    from tocsin.app.house import open_directory

    return open_directory(directory)
