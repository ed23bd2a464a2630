"""
Statements that read a stretch of telemetry as it is: what a guard freezes.

Records come in the order of the sort key, page by page: the next page begins behind the last record of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from tocsin.store.read_range import Within, in_range, where
from tocsin.store.read_records import LOG_RECORD_COLUMNS, SPAN_COLUMNS
from tocsin.store.sql import ParameterNames, Sql

SliceTable: TypeAlias = Literal["spans", "logs"]


def slice_records(table: SliceTable, within: Within, services: Sequence[str], *, skip: int, limit: int) -> Sql:
    """
    Records of a range, in the columns of SPAN_COLUMNS or LOG_RECORD_COLUMNS, oldest first.

    Args:
        table: Which.
        within: Where their time lies; short, for a page is found by skipping those before it.
        services: Whose; none for all.
        skip: Records of the range that were read already.
        limit: Most records.
    """
    names = ParameterNames()
    conditions = in_range(within, names)
    if services:
        conditions.append(Sql("service IN ") + names.bind("Array(String)", list(services)))
    columns = SPAN_COLUMNS if table == "spans" else LOG_RECORD_COLUMNS
    return (
        Sql("SELECT ")
        + columns
        + Sql(f" FROM {table}")
        + where(conditions)
        + Sql(" ORDER BY ts, service, trace_id, span_id, segment LIMIT ")
        + names.bind("UInt32", limit)
        + Sql(" OFFSET ")
        + names.bind("UInt64", skip)
    )
