"""
A real PostgreSQL as a child process, for the tests of one run: on a socket in a folder of its own, nowhere on the network.

PostgreSQL refuses to run as root, so root starts it as `nobody`; whatever it writes is gone with it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import pytest
from psycopg import sql
from tests.peers.programs import binary
from tests.spine.server import wait_until

USER = "tocsin"
DATABASE = "postgres"
PASSWORD = "a%2Fsecret%40word"  # as it stands in a URL
UNPRIVILEGED = "nobody"


class PostgreSQL:
    """A server that anybody on this machine who finds its socket may enter; a context manager that ends it."""

    def __init__(self) -> None:
        initdb, self._program = binary("initdb"), binary("postgres")
        self._account = _account()
        # Not pytest's folder: that is closed to other accounts, and its path is too long for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-postgresql-"))
        self._places = 0
        self.child: subprocess.Popen[bytes] | None = None
        try:
            if self._account:
                os.chown(self.folder, self._account["user"], self._account["group"])
            self._see_whether_it_runs()
            self._run([str(initdb), f"--pgdata={self.folder}/data", f"--username={USER}", "--auth=trust", "--locale=C", "-E", "UTF8", "-N"])
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "fsync": "off", "shared_buffers": "16MB"}
        command = [str(self._program), "-D", f"{self.folder}/data", *(f"--{name}={value}" for name, value in settings.items())]
        with (self.folder / "log").open("ab") as log:
            self.child = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **self._account)
        wait_until(self._answers, timeout_s=60, what="PostgreSQL to start")

    def stop(self) -> None:
        """End it and every connection, as a machine that goes down."""
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
            self.child.wait(30)

    def close(self) -> None:
        """End it, and remove what it wrote."""
        self.stop()
        shutil.rmtree(self.folder)

    def new_place(self) -> str:
        """The URL of a place without tables: a schema, which takes a millisecond where a database takes a hundred."""
        self._places += 1
        name = f"place_{self._places}"
        self.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        return f"{self.url}&options=-csearch_path%3D{name}"

    @property
    def url(self) -> str:
        """The URL of its database, with a password that the server does not ask for."""
        return f"postgresql://{USER}:{PASSWORD}@/{DATABASE}?host={self.folder}"

    def execute(self, statement: sql.SQL | sql.Composed) -> list[tuple[Any, ...]]:
        """Execute a statement as the database's owner, outside of everything that is tested."""
        with self._connect() as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(host=str(self.folder), user=USER, dbname=DATABASE, autocommit=True)

    def _answers(self) -> bool:
        assert self.child is not None
        assert self.child.poll() is None, (self.folder / "log").read_text(encoding="utf-8")
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _see_whether_it_runs(self) -> None:
        try:
            outcome = subprocess.run([self._program, "--version"], capture_output=True, cwd=self.folder, check=False, **self._account)
        except PermissionError:
            outcome = None
        if outcome is None or outcome.returncode:
            pytest.skip(f"PostgreSQL does not run as root, and {UNPRIVILEGED} can't reach {self._program}")

    def _run(self, command: list[str]) -> None:
        outcome = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False, **self._account)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def _account() -> dict[str, Any]:
    """As whom its processes run: arguments of Popen; nothing, unless this is root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(UNPRIVILEGED)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
