"""
Every failure that Tocsin raises on purpose, as one tree.

    TocsinError                    code, retryable
      InvalidInput                 the caller's data or arguments are wrong
        ParseError                 ... at a position in a text or a body
        LimitExceeded              ... larger than a stated limit
      NotFound                     the thing asked for is not stored
      Conflict                     it exists already, or somebody else holds it
      ConfigError                  an option is wrong; names its key
      Overloaded                   not now: come back after `retry_after_s`
      Timeout                      the answer took longer than allowed
      StoreError                   the engine failed or refused
      JournalError                 the disk failed: nothing was acknowledged
      DeliveryError                a receiver of notifications did not take one

The first five are the user's to mend, the next two pass by themselves, the last three are the machine's.
A bug of ours is an assertion, not one of these. `code` is stable snake_case from this closed list: programs may match on it.
A message says what was expected, what was found, where, and what to do.
"""

from __future__ import annotations


class TocsinError(Exception):
    """Root of the tree: catch it to catch everything that Tocsin raises on purpose."""

    code: str = "internal"
    retryable: bool = False


class InvalidInput(TocsinError):
    """The caller's data or arguments are wrong; the same call will fail again."""

    code = "invalid_input"


class ParseError(InvalidInput):
    """A text or a body does not parse; `position` is the offset (characters or bytes, from 0) where it went wrong."""

    code = "parse_error"

    def __init__(self, message: str, *, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class LimitExceeded(InvalidInput):
    """The input is larger than a stated limit; the message names the limit and the option that sets it."""

    code = "limit_exceeded"


class NotFound(TocsinError):
    """The thing asked for is not stored here."""

    code = "not_found"


class Conflict(TocsinError):
    """The thing exists already, or another process holds it."""

    code = "conflict"


class ConfigError(TocsinError):
    """An option is wrong; `key` is its dotted path in the configuration (`journal.segment_bytes_max`)."""

    code = "config_error"

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class Overloaded(TocsinError):
    """Not now: queues are full. Nothing was taken; send the same again after `retry_after_s` seconds."""

    code = "overloaded"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Timeout(TocsinError):
    """The answer took longer than allowed; narrow the question or raise the limit."""

    code = "timeout"
    retryable = True


class StoreError(TocsinError):
    """The engine failed, or refused a statement of ours."""

    code = "store_error"
    retryable = True


class JournalError(TocsinError):
    """The journal's disk failed: what was being written is not acknowledged and may be sent again."""

    code = "journal_error"
    retryable = True


class DeliveryError(TocsinError):
    """
    A receiver of notifications did not take one. `lasting`: it refused, so that the same again would be refused again.

    The message never holds a secret. `retry_after_s` is what the receiver asked for, None when it did not say.
    """

    code = "delivery_error"
    retryable = True

    def __init__(self, message: str, *, lasting: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.lasting = lasting
        self.retry_after_s = retry_after_s
