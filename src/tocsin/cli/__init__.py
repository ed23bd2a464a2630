"""The command line: one module per command, listed in `tocsin.cli.commands`."""

from __future__ import annotations

import importlib
import sys

LIGHT_INSTALL = "the command `tocsin` comes with the server extra, which is not installed ({name} is missing); pip install 'tocsin[server]'"


def main() -> None:
    """What the command `tocsin` runs. Ends the process with a code of `tocsin.cli.exit_codes`."""
    try:
        commands = importlib.import_module("tocsin.cli.commands")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("tocsin"):
            raise
        sys.exit(LIGHT_INSTALL.format(name=error.name))
    sys.exit(commands.run(sys.argv[1:]))
