"""
The engine's error texts, turned into our error tree. The same codes come from chDB and from a server.

What matters most is who is at fault. The statement or the data: the same will fail again. The machine (a full disk, a server that is
away, a password that was changed): the same will work once a human or time has mended it, so nothing may be given up.
"""

from __future__ import annotations

import re

from tocsin.errors import InvalidInput, LimitExceeded, StoreError, Timeout, TocsinError

TIMEOUT_CODES = frozenset({159, 160, 209})
# Memory, rows, bytes, result size, AST size and depth, partitions.
LIMIT_CODES = frozenset({158, 241, 290, 306, 307, 396, 167, 168, 191})
# Syntax, unknown names, wrong types and arguments, bad regular expressions, read-only violations: the statement is at fault.
STATEMENT_CODES = frozenset(
    {
        6, 8, 10, 15, 16, 26, 27, 34, 35, 36, 38, 41, 42, 43, 44, 46, 47, 48, 50, 53, 60, 62, 63, 69, 70, 72, 81, 88, 92, 115, 117, 121,
        130, 131, 135, 153, 164, 179, 181, 184, 190, 203, 206, 207, 215, 217, 269, 349, 352, 386, 395, 407, 427, 446, 452, 456, 457, 468,
        497, 568, 691, 702,
    }
)  # fmt: skip
TOO_MANY_PARTS = 252
# Disk full, files that can't be opened, read, written or synced; too many parts waiting for merges, too many queries; no network, no
# session with the coordination service, a table that is read-only for the moment; credentials that the server does not take any more.
MACHINE_CODES = frozenset(
    {
        74, 75, 76, 77, 87, 192, 193, 194, 198, 202, 210, 225, 236, 242, 243, TOO_MANY_PARTS, 279, 319, 425, 439, 499, 516, 520, 521, 571,
        668, 999,
    }
)  # fmt: skip
# Errors of the operating system arrive under general codes (1001), with only their text to tell them by.
MACHINE_TEXT = re.compile(r"No space left on device|Read-only file system|Input/output error|Disk quota exceeded|Too many open files")
MESSAGE_CHARACTERS_MAX = 600


class EngineUnavailable(StoreError):
    """The machine is at fault, not the statement or its data: waiting, or a human, mends it, and then the same works."""


def fault(text: str) -> TocsinError:
    """
    The error that the engine's message `text` stands for.

    `Code: 62. DB::Exception: Syntax error: failed at position 8 ... (SYNTAX_ERROR)` gives InvalidInput.
    """
    match = re.search(r"Code: (\d+)", text)
    code = int(match[1]) if match else 0
    message = _readable(text)
    if code in MACHINE_CODES or MACHINE_TEXT.search(text):
        return EngineUnavailable(f"the engine can't work now: {message}")
    if code in TIMEOUT_CODES:
        return Timeout(f"the engine stopped the statement: {message}; narrow the time range or raise the limit")
    if code in LIMIT_CODES:
        return LimitExceeded(f"the statement went over a limit of the engine: {message}; narrow it")
    if code in STATEMENT_CODES:
        return InvalidInput(f"the engine refused the statement: {message}")
    return StoreError(f"the engine failed: {message}")


def _readable(text: str) -> str:
    text = re.sub(r"Code: \d+\. |DB::Exception: |\(version [^)]*\)", "", text).strip().rstrip(" .")
    # The name of the error stands at the end, after whatever long statement was being executed.
    name = re.search(r"\([A-Z][A-Z0-9_]+\)$", text)
    # The engine repeats it when an error passed through another one.
    text = re.sub(r"(?:[ .]*\([A-Z][A-Z0-9_]+\))+$", "", text)
    short = text if len(text) <= MESSAGE_CHARACTERS_MAX else text[:MESSAGE_CHARACTERS_MAX] + " ..."
    return f"{short} {name[0]}" if name else short
