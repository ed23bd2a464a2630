"""Places in a list, as opaque texts that continue it: base64 of a small JSON array that names the list and its order."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import orjson

from tocsin.errors import ParseError

VERSION = 1


def write_cursor(kind: str, place: Sequence[int | str]) -> str:
    """A place as text."""
    return base64.urlsafe_b64encode(orjson.dumps([VERSION, kind, *place])).decode().rstrip("=")


def read_cursor(text: str, kind: str, types: Sequence[type]) -> list[int | str]:
    """
    The place that a text names.

    Args:
        text: What an earlier page gave as `next_cursor`.
        kind: The list and order that it must belong to.
        types: What the place consists of.

    Raises:
        ParseError: It is no cursor, or one of another list.
    """
    try:
        version, found, *place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, binascii.Error):
        raise ParseError("the cursor does not read: pass next_cursor of the page before, unchanged", position=0) from None
    if (version, found) != (VERSION, kind):
        raise ParseError(
            f"the cursor belongs to another list ({found!r}, not {kind!r}): ask with the same order as for the page before", position=0
        )
    if [type(part) for part in place] != list(types):
        raise ParseError("the cursor does not read: pass next_cursor of the page before, unchanged", position=0)
    return list(place)
