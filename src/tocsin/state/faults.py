"""
What SQLAlchemy and the drivers raise, turned into our error tree.

What matters is whether the same call can succeed later. A lock that somebody holds, a server that is away, a full disk: yes, `retryable`.
A file that is no database, a role without rights, a table that is gone: not before a human has mended it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from tocsin.errors import Conflict, InvalidInput, Overloaded, StoreError, Timeout, TocsinError
from tocsin.state.address import Address

# SQLSTATE classes and codes. Source: PostgreSQL's manual, appendix A.
STATEMENT_STOPPED = "57014"
NO_PLACE = {"42501", "3F000"}  # no right to make tables, no schema to make them in
PASSING_STATES = re.compile(r"08...|40...|53...|55P03|57...|58...|25006")
# SQLite's primary result codes. Source: sqlite.org/rescode.html.
PASSING_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM}
RETRY_AFTER_S = 1.0
MESSAGE_CHARACTERS_MAX = 400


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """Around every use of the database: what fails within it is raised as an error of our tree, without secrets and without values."""
    try:
        yield
    except exc.TimeoutError as error:
        raise Overloaded(
            f"{address.shown}: every connection is in use; come back later, or raise state.connections_max", retry_after_s=RETRY_AFTER_S
        ) from error
    except (OverflowError, UnicodeEncodeError) as error:  # drivers raise these as they are, before anything is sent
        raise InvalidInput(f"{address.shown} can't hold such a value: {_words(error, address)}") from error
    except (exc.SQLAlchemyError, sqlite3.Error) as error:
        raise fault(error, address) from error


def fault(error: Exception, address: Address) -> TocsinError:
    """The error of our tree that `error` stands for."""
    cause = error.orig if isinstance(error, exc.StatementError) and error.orig is not None else error
    words = _words(cause, address)
    if isinstance(error, exc.IntegrityError):
        return Conflict(f"{address.shown} holds something that contradicts this: {words}")
    if isinstance(error, exc.DataError):
        return InvalidInput(f"{address.shown} can't hold such a value: {words}")
    if isinstance(cause, sqlite3.Error):
        return _sqlite_fault(cause, address, words)
    return _server_fault(error, getattr(cause, "sqlstate", None), address, words)


def _sqlite_fault(cause: sqlite3.Error, address: Address, words: str) -> StoreError:
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreError(f"{address.shown} is locked by another process: {words}; try again, or raise state.busy_timeout_s")
    if code in PASSING_CODES:
        return StoreError(f"{address.shown} can't work now: {words}; see whether its disk is full or failing")
    return _permanent(f"{address.shown} failed: {words}; see whether the file is whole and may be written")


def _server_fault(error: Exception, state: str | None, address: Address, words: str) -> TocsinError:
    if state == STATEMENT_STOPPED:
        return Timeout(f"{address.shown} stopped the statement after state.statement_timeout_s: {words}")
    if state in NO_PLACE:
        return _permanent(f"{address.shown} refuses: {words}; give the role a database that it owns, since it makes its tables itself")
    if state is not None and PASSING_STATES.fullmatch(state):
        return StoreError(f"{address.shown} can't work now: {words}; try again")
    if isinstance(error, exc.DBAPIError) and (error.connection_invalidated or (state is None and _is_about_connecting(error))):
        return StoreError(f"{address.shown} can't be reached: {words}; see whether it runs and state.url is right")
    return _permanent(f"{address.shown} failed: {words}")


def _is_about_connecting(error: exc.DBAPIError) -> bool:
    return isinstance(error, exc.OperationalError | exc.InterfaceError)


def _permanent(message: str) -> StoreError:
    error = StoreError(message)
    error.retryable = False
    return error


def _words(cause: BaseException, address: Address) -> str:
    """The driver's words on one line; a server's DETAIL, which may repeat values, is left out."""
    first = str(cause).partition("\nDETAIL")[0]
    return address.without_secrets(" ".join(first.split()))[:MESSAGE_CHARACTERS_MAX]
