"""
Records as rows and back: a column has the name of the field, an enum is its value.

What a database could not keep as it is, is refused before it is written, so that both databases refuse the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import RowMapping, Table

from tocsin.errors import InvalidInput

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

INT64_MAX = 2**63 - 1
_UNKEPT = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL has no zero byte in a text; half a surrogate pair is no UTF-8
Record = TypeVar("Record")


def row_of(record: DataclassInstance, table: Table) -> dict[str, Any]:
    """
    The row of `table` that holds `record`; fields that are no columns are left out.

    Raises:
        InvalidInput: A text with a zero byte or half a character, a number outside of 64 bits or that is none.
    """
    named = {field.name: getattr(record, field.name) for field in fields(record) if field.name in table.columns}
    return {name: checked(name, value.value if isinstance(value, Enum) else value) for name, value in named.items()}


def record_of(kind: type[Record], row: RowMapping, /, **given: Any) -> Record:
    """The record of a row, for a dataclass whose fields are columns; `given` names the fields that are not, or not as they are."""
    names = [field.name for field in fields(kind) if field.name in row and field.name not in given]  # type: ignore[arg-type]  # a dataclass
    return kind(**{name: row[name] for name in names}, **given)


def checked(name: str, value: Any) -> Any:
    """
    The value of column `name`, when every database can hold it.

    Raises:
        InvalidInput: It can't.
    """
    if isinstance(value, str) and _UNKEPT.search(value):
        raise InvalidInput(f"{name} holds a zero byte or half a character, which no database keeps; send text in Unicode")
    if isinstance(value, int) and not -INT64_MAX - 1 <= value <= INT64_MAX:
        raise InvalidInput(f"{name} is {value}, outside of 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"{name} is {value}; expected a finite number")
    return value


def signed(what: str, texts: Mapping[str, str]) -> None:
    """
    See that a decision says who took it and why.

    Raises:
        InvalidInput: One of the texts is blank.
    """
    if missing := [name for name, text in texts.items() if not text.strip()]:
        raise InvalidInput(f"{what} needs {_listed(missing)}: decisions are kept with who took them and why")


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names)
