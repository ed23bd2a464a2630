"""The engine's error texts, turned into our error tree. The same codes come from chDB and from a server."""

from __future__ import annotations

import re

from tocsin.errors import InvalidInput, LimitExceeded, StoreError, Timeout, TocsinError

TIMEOUT_CODES = frozenset({159, 160, 209})
# Memory, rows, bytes, result size, AST size and depth, partitions.
LIMIT_CODES = frozenset({158, 241, 252, 290, 306, 307, 396, 167, 168, 191, 307})
# Syntax, unknown names, wrong types and arguments, bad regular expressions, read-only violations: the statement is at fault.
STATEMENT_CODES = frozenset(
    {6, 8, 10, 15, 16, 26, 27, 34, 35, 36, 38, 41, 42, 43, 44, 46, 47, 48, 50, 53, 60, 62, 63, 69, 70, 72, 81, 88, 92, 115, 117, 121, 130, 131,
     135, 153, 164, 179, 184, 190, 203, 206, 207, 215, 217, 269, 349, 352, 386, 395, 407, 427, 446, 452, 456, 457, 468, 497, 568, 691, 702}
)  # fmt: skip
MESSAGE_CHARACTERS_MAX = 600


def fault(text: str) -> TocsinError:
    """
    The error that the engine's message `text` stands for.

    `Code: 62. DB::Exception: Syntax error: failed at position 8 ... (SYNTAX_ERROR)` gives InvalidInput.
    """
    match = re.search(r"Code: (\d+)", text)
    code = int(match[1]) if match else 0
    message = _readable(text)
    if code in TIMEOUT_CODES:
        return Timeout(f"the engine stopped the statement: {message}; narrow the time range or raise the limit")
    if code in LIMIT_CODES:
        return LimitExceeded(f"the statement went over a limit of the engine: {message}; narrow it")
    if code in STATEMENT_CODES:
        return InvalidInput(f"the engine refused the statement: {message}")
    return StoreError(f"the engine failed: {message}")


def _readable(text: str) -> str:
    text = re.sub(r"Code: \\d+\\. |Code: \d+\. |DB::Exception: |\(version [^)]*\)", "", text).strip()
    return text if len(text) <= MESSAGE_CHARACTERS_MAX else text[:MESSAGE_CHARACTERS_MAX] + " ..."
