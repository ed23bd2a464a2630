"""The commonest failures: failed spans by exception, error logs by message, told apart by `source`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tocsin.model.answers import TopError
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.store.read_errors import log_errors, span_errors
from tocsin.store.read_range import Within
from tocsin.store.read_records import NO_TRACE
from tocsin.store.sql import ParameterNames

ERRORS_MAX = 500


def top_errors(reading: Reading, within: Within, *, service: str | None, limit: int) -> list[TopError]:
    """The `limit` commonest kinds of failure in spans and logs together, the commonest first."""
    limit = checked_limit(limit, most=ERRORS_MAX)
    spans = reading.rows(span_errors(within, service=service, limit=limit, names=ParameterNames()))
    logs = reading.rows(log_errors(within, service=service, limit=limit, names=ParameterNames()))
    found = [_error(row, "spans") for row in spans] + [_error(row, "logs") for row in logs]
    return sorted(found, key=lambda error: (-error.count, error.service, error.operation, error.kind))[:limit]


def _error(row: Sequence[Any], source: str) -> TopError:
    service, operation, kind, message, count, first, last, trace_id = row
    exemplar = None if trace_id == NO_TRACE else trace_id
    return TopError(service, operation, kind, message, count, first, last, exemplar, source)
