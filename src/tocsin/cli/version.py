"""`tocsin version`."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from tocsin.cli.terminal import console

ENGINE_PACKAGES = ("chdb-core", "chdb")


def command() -> None:
    """Print the versions of Tocsin, its engine and Python."""
    console().print(f"tocsin {installed('tocsin')}, engine chdb {engine_version()}, Python {platform.python_version()}")


def engine_version() -> str:
    """That of the package which carries the engine itself."""
    return next((found for found in map(installed, ENGINE_PACKAGES) if found != "not installed"), "not installed")


def installed(package: str) -> str:
    """A package's version."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
