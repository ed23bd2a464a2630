"""Names that were probably meant, for messages about names that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

ALIKE = 0.7


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = ALIKE) -> str:
    """
    `; did you mean 'target'?` for 'targt'; nothing when no known name is near.

    Args:
        word: What was written.
        known: What could have been meant; letters of either case are alike.
        cutoff: How alike the two must be, 0 to 1, where 1 is equal.
    """
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=cutoff)
    return f"; did you mean {by_lower[near[0]]!r}?" if near and by_lower[near[0]] != word else ""
