"""`python -m tocsin`: the same as the command `tocsin`."""

from __future__ import annotations

from tocsin.cli import main

main()
