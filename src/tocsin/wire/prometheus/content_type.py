"""Which format an answer has, by its content type."""

from __future__ import annotations

import re
from enum import Enum

from tocsin.errors import InvalidInput

_PARAMETER = re.compile(r'\s*[!#$%&\'*+.^_`|~0-9a-zA-Z-]+=(?:"[^"]*"|[!#$%&\'*+.^_`|~0-9a-zA-Z-]+)\s*')


class Format(Enum):
    """A format of expositions; the value is its media type."""

    TEXT = "text/plain"
    OPENMETRICS = "application/openmetrics-text"
    PROTOBUF = "application/vnd.google.protobuf"


def format_of(content_type: str, *, fallback: str = "") -> Format:
    """
    The format that a content type names; the version does not matter, as each format reads its older ones.

    Args:
        content_type: Of the answer; empty without one.
        fallback: A content type that counts when this one names none of the formats; empty to refuse the answer.

    Raises:
        InvalidInput: It names none of them.
    """
    found = _known(content_type) or (_known(fallback) if fallback else None)
    if found is None:
        known = ", ".join(item.value for item in Format)
        shown = f"found {content_type[:120]!r}" if content_type else "found none"
        raise InvalidInput(
            f"the answer's content type must be one of {known}; {shown}: set the exporter right, or fallback_scrape_protocol"
        )
    return found


def _known(content_type: str) -> Format | None:
    media_type, *parameters = content_type.split(";")
    if parameters and not parameters[-1].strip():
        parameters.pop()
    if not all(_PARAMETER.fullmatch(parameter) for parameter in parameters):
        return None
    return next((item for item in Format if item.value == media_type.strip().lower()), None)
