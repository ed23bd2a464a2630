"""`tocsin lab`."""

from __future__ import annotations

import importlib
from enum import Enum
from typing import Annotated

import typer


class Lab(Enum):
    """The labs; the value is the name on the command line."""

    STRUCTURED_LOGGING = "structured-logging"
    DASHBOARD = "dashboard"
    COMPOSITE_ALERT = "composite-alert"
    IMPROVEMENT = "improvement"
    ALERTING = "alerting"


def command(name: Annotated[Lab, typer.Argument(help="Which lab.")] = Lab.STRUCTURED_LOGGING) -> None:
    """Run a lab: a short script that shows one idea with the real thing, on a temporary data directory."""
    module = importlib.import_module(f"tocsin.demo.labs.{name.value.replace('-', '_')}")
    module.main()
