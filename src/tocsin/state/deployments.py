"""
Deployments that somebody told of. Telling twice changes nothing, telling more adds to what is known.

    started 10:00, succeeded 10:04    one deployment, succeeded at 10:04
    succeeded 10:04, started 10:00    the same: a message that was late does not turn back what came after it

Machines never correct a time: of two messages of theirs the one about the later moment stands, even about the same status, so the order in
which they arrive is nothing. People do: a mark told again with the same status moves to the time that it names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from sqlalchemy import RowMapping, select, update

from tocsin.errors import Conflict
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus, Kept
from tocsin.model.instant import Instant
from tocsin.state.audit import AuditAction, AuditEntry, write_audit
from tocsin.state.database import Database
from tocsin.state.insertion import insert_new
from tocsin.state.rows import record_of, row_of
from tocsin.state.tables import DEPLOYMENTS

LIMIT = 1000
# Sources that tell whole seconds start and succeed in the same one; then what comes later in a deployment's life stands.
RANKS = {status: rank for rank, status in enumerate(DeploymentStatus)}


class Deployments:
    """Keeps deployments; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, deployment: Deployment) -> Kept:
        """
        Keep a deployment, or what else is told about one that is known by the same id.

        Told again, it takes the new status and time, and texts that are not empty. A message about a moment before the one that is known
        only fills in texts that were empty; a mark that repeats its status is a correction, whatever its time.

        Raises:
            Conflict: The id belongs to a deployment of another service.
        """
        with self._database.transaction() as connection:
            if insert_new(connection, DEPLOYMENTS, row_of(deployment, DEPLOYMENTS)):
                changed, new = deployment, True
            else:
                query = select(DEPLOYMENTS).where(DEPLOYMENTS.c.id == deployment.id).with_for_update()
                known, new = _record(connection.execute(query).mappings().one()), False
                changed = _merged(known, deployment)
                if changed == known:
                    return Kept(known, is_new=False)
                connection.execute(update(DEPLOYMENTS).where(DEPLOYMENTS.c.id == deployment.id).values(row_of(changed, DEPLOYMENTS)))
            if deployment.source is DeploymentSource.MARK:  # the others are machines; what they tell is in their own logs
                version = f" {changed.version}" if changed.version else ""
                detail = f"{changed.service}{version}: {changed.status.value}"
                write_audit(connection, AuditEntry(deployment.at, deployment.author, AuditAction.DEPLOYMENT_MARKED, deployment.id, detail))
            return Kept(changed, is_new=new)

    def list(
        self, service: str | None = None, start_ns: Instant | None = None, end_ns: Instant | None = None, limit: int = LIMIT
    ) -> Sequence[Deployment]:
        """
        The last `limit` deployments that took effect in [start, end), the newest first.

        Args:
            service: Whose; None for all.
            start_ns: Nanoseconds since 1970; None is open.
            end_ns: The same.
            limit: How many at most.
        """
        query = select(DEPLOYMENTS).order_by(DEPLOYMENTS.c.at.desc(), DEPLOYMENTS.c.id.desc()).limit(limit)
        if service is not None:
            query = query.where(DEPLOYMENTS.c.service == service)
        if start_ns is not None:
            query = query.where(DEPLOYMENTS.c.at >= start_ns)
        if end_ns is not None:
            query = query.where(DEPLOYMENTS.c.at < end_ns)
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: RowMapping) -> Deployment:
    return record_of(Deployment, row, source=DeploymentSource(row["source"]), status=DeploymentStatus(row["status"]))


def _merged(known: Deployment, told: Deployment) -> Deployment:
    if told.service != known.service:
        raise Conflict(f"deployment {known.id!r} is one of {known.service}, and was now told of {told.service}; give another id")
    corrects = told.source is DeploymentSource.MARK and told.status is known.status
    late = not corrects and _order(told) < _order(known)
    older, newer = (told, known) if late else (known, told)
    blank = [field.name for field in fields(Deployment) if getattr(newer, field.name) == ""]
    return replace(newer, **{name: getattr(older, name) for name in blank})


def _order(deployment: Deployment) -> tuple[Instant, int]:
    return deployment.at, RANKS[deployment.status]
