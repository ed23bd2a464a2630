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


TORN = """
import sys
from pathlib import Path
from tocsin.store.chdb import ChdbEngine
from tocsin.store.faults import EngineUnavailable
from tocsin.store.options import EngineOptions
from tocsin.store.sql import Sql

READ = '''SELECT * FROM format(Protobuf, 'a Int32', '') SETTINGS format_schema_source = 'string', format_schema_message_name = 'Request',
format_schema = 'syntax = "proto3"; message Request { int32 a = 1; }' '''
directory = Path(sys.argv[1])
engine = ChdbEngine(directory, EngineOptions())
engine.execute(Sql(READ))
written, = [file for file in (directory / "__cache__").glob("*.proto") if "Request" in file.read_text()]
engine.execute(Sql("SYSTEM DROP FORMAT SCHEMA CACHE FOR Protobuf"))
written.write_text("")  # as a full disk leaves it
try:
    engine.execute(Sql(READ))
except EngineUnavailable as error:
    print("unavailable:", error)
engine.execute(Sql(READ))
print("mended")
"""


def test_a_schema_that_a_full_disk_left_torn_is_written_anew(tmp_path: Path) -> None:
    """The engine reads the torn file once, which is the machine's fault and nobody's data; the next attempt works."""
    outcome = subprocess.run([sys.executable, "-c", TORN, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "unavailable: a schema that the engine had written" in outcome.stdout
    assert outcome.stdout.endswith("mended\n")
