"""
What a query seems to say, so that good and bad the wrong way round, and operators that point the wrong way, are pointed out.

These are guesses from words, so they only ever make remarks.
"""

from __future__ import annotations

import re
from enum import Enum

_NEGATED = r"""(?:!=|!~)\s*\\?["']?"""
_PLAIN = r"""(?:(?<!!)=~?|:)\s*\\?["']?"""
_SERVER_FAULT = r"(?:\(?5(?:\.\.|xx|\d\d|\*)|error|fail)"
_FINE = r"(?:\(?2(?:\.\.|xx|\d\d|\*)|success|ok\b|true\b)"

_FAILURE = re.compile(
    rf"{_PLAIN}\^?{_SERVER_FAULT}|{_NEGATED}\^?{_FINE}|(?<![-!])(?<!not )\berror:true|(?:not\s+|[-!])error:false"
    r"|errors?_total|failures?_total|failed",
    re.IGNORECASE,
)
_SUCCESS = re.compile(
    rf"{_PLAIN}\^?(?!true){_FINE}|{_NEGATED}\^?{_SERVER_FAULT}|(?:not\s+|[-!])error:true|(?<![-!])(?<!not )error:false"
    r"|success(?:es|ful)?_total|(?:not\s+|-)status:error",
    re.IGNORECASE,
)
_LATENCY = re.compile(r"latency|duration|response.?time|elapsed|_seconds\b|_ms\b|quantile|(?<![a-z])lag(?![a-z])", re.IGNORECASE)


class Looks(Enum):
    """What a query seems to count."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNCLEAR = "unclear"


def looks(query: str) -> Looks:
    """Whether a query seems to count successes or failures."""
    success, failure = _SUCCESS.search(query), _FAILURE.search(query)
    if bool(success) == bool(failure):
        return Looks.UNCLEAR
    return Looks.SUCCESS if success else Looks.FAILURE


def looks_like_latency(*texts: str) -> bool:
    """Whether a name or a query speaks of something of which less is better."""
    return any(_LATENCY.search(text) for text in texts)
