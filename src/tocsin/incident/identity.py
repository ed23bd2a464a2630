"""How incidents are named: `INC-7` is number 7."""

from __future__ import annotations

import re

from tocsin.errors import InvalidInput
from tocsin.model.incident import ID_PREFIX

_ID = re.compile(rf"(?:{ID_PREFIX})?0*([1-9]\d{{0,17}})", re.IGNORECASE)


def number_of(identity: str) -> int:
    """
    The number of `INC-7`, `inc-7` or `7`.

    Raises:
        InvalidInput: It is none of these.
    """
    found = _ID.fullmatch(identity.strip())
    if found is None:
        raise InvalidInput(f"an incident is named {ID_PREFIX}7 or 7, found {identity[:40]!r}; `tocsin incident` lists them")
    return int(found[1])


def id_of(number: int) -> str:
    """`INC-7` for 7."""
    return f"{ID_PREFIX}{number}"
