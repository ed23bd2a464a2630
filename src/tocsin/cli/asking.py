"""One question or one order to the server, and its answer as the API writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tocsin.cli.server import connect
from tocsin.cli.terminal import console


def get(path: str, url: str, data: Path | None, parameters: dict[str, Any] | None = None) -> str:
    """The answer to a question, JSON; parameters that are None are left out."""
    with connect(url, data) as server:
        return server.get(path, parameters)


def post(path: str, order: dict[str, Any], url: str, data: Path | None) -> str:
    """The answer to an order, JSON."""
    with connect(url, data) as server:
        return server.post(path, order)


def printed(text: str, as_json: bool) -> bool:
    """Whether an answer was to be printed as it is, and was."""
    if as_json:
        console().print(text)
    return as_json
