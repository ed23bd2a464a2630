"""Where the embedded engine leaves its schemas: with its data, wherever the process was started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import shutil, sys
from pathlib import Path
from tocsin.store.chdb import ChdbEngine
from tocsin.store.options import EngineOptions
from tocsin.store.sql import Sql

READ = Sql('''SELECT * FROM format(Protobuf, 'b Int32', '') SETTINGS format_schema_source = 'string',
format_schema = 'syntax = "proto3"; message Other { int32 b = 1; }', format_schema_message_name = 'Other' ''')
for name in ("one", "two"):
    engine = ChdbEngine(Path(sys.argv[1]) / name, EngineOptions())
    engine.execute(READ)
    engine.close()
    shutil.rmtree(Path(sys.argv[1]) / name)
"""


def test_any_working_directory_will_do(tmp_path: Path) -> None:
    """In a directory that takes no files the engine reads protobuf all the same, also after its first data directory is gone."""
    # /proc takes no files, not even from root.
    outcome = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], cwd="/proc", capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr


def test_nothing_is_left_in_the_working_directory(tmp_path: Path) -> None:
    """The folder in which the process was started stays as it was."""
    (tmp_path / "here").mkdir()
    subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / "data")], cwd=tmp_path / "here", check=True)
    assert not list((tmp_path / "here").iterdir())
