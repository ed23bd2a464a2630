"""The application on a data directory, for commands with --data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI

from tocsin.api.application import create_application
from tocsin.app.house import House, options_for
from tocsin.app.option_sources import load
from tocsin.app.options import environment
from tocsin.errors import Conflict, NotFound

CONFIG_VARIABLE = "TOCSIN_CONFIG"
DRAIN_S = 60.0  # a replay asked for just before is still loaded


@contextmanager
def open_application(data: Path) -> Iterator[FastAPI]:
    """
    Open the directory, load what its journal holds, and give the application on it.

    Options are those of the environment, and of the file that `TOCSIN_CONFIG` names, as `tocsin up` would read them.

    Raises:
        ConfigError: They are wrong.
        NotFound: There is no such directory.
        Conflict: A server runs on it.
    """
    if not data.is_dir():
        raise NotFound(f"there is no data directory {data}; name the one that `tocsin up --data` uses")
    try:
        variables = environment()
        file = variables.get(CONFIG_VARIABLE)
        house = House(options_for(data, load(file=Path(file) if file else None, environment=variables)))
    except Conflict as error:
        raise Conflict(f"{error}; leave out --data to ask the running server") from error
    try:
        house.settle()
        house.alerting.pipeline.load()  # what fires and is silenced; nothing is evaluated or told here
        yield create_application(house.context())
    finally:
        house.close(drain_s=DRAIN_S)
