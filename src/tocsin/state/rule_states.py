"""Alerts that rules keep: pending, firing, just resolved, so that a restart goes on where it was."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, select

from tocsin.model.alert import fingerprint
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.rule_alert import AlertPhase, KeptGroup, KeptRuleAlert, RuleAlert
from tocsin.state.alert_json import json_text, labels_of, labels_text, texts_of
from tocsin.state.database import Database
from tocsin.state.insertion import insert_or_replace
from tocsin.state.rows import checked
from tocsin.state.rule_tables import RULE_ALERTS, RULE_GROUPS

_DROP = delete(RULE_ALERTS).where(
    RULE_ALERTS.c.content == bindparam("of_content"), RULE_ALERTS.c.fingerprint == bindparam("of_fingerprint")
)


class RuleStates:
    """Keeps them; safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, group: str, at: Instant, *, kept: Sequence[KeptRuleAlert] = (), gone: Iterable[tuple[str, Labels]] = ()) -> None:
        """
        Keep what one evaluation of a group changed, all or nothing.

        Args:
            group: Key of the group.
            at: Instant of the evaluation.
            kept: Alerts that are new or have changed.
            gone: Alerts that there are no more: content of their rule, and labels.
        """
        rows = [_row(one) for one in kept]
        dropped = [{"of_content": content, "of_fingerprint": fingerprint(labels)} for content, labels in gone]
        with self._database.transaction() as connection:
            if dropped:
                connection.execute(_DROP, dropped)
            if rows:
                insert_or_replace(connection, RULE_ALERTS, rows)
            insert_or_replace(connection, RULE_GROUPS, [{"group_key": checked("group", group), "evaluated_at": at}])

    def forget(self, group: str) -> None:
        """Drop everything that is kept of a group."""
        with self._database.transaction() as connection:
            for table in (RULE_ALERTS, RULE_GROUPS):
                connection.execute(delete(table).where(table.c.group_key == group))

    def groups(self) -> dict[str, KeptGroup]:
        """Everything that is kept, by key of the group."""
        with self._database.reading() as connection:
            return _groups(connection)


def _groups(connection: Connection) -> dict[str, KeptGroup]:
    alerts: dict[str, list[KeptRuleAlert]] = defaultdict(list)
    for row in connection.execute(select(RULE_ALERTS).order_by(RULE_ALERTS.c.content, RULE_ALERTS.c.fingerprint)).mappings():
        alerts[row["group_key"]].append(_record(row))
    evaluated = {row["group_key"]: row["evaluated_at"] for row in connection.execute(select(RULE_GROUPS)).mappings()}
    return {key: KeptGroup(key, evaluated.get(key, 0), tuple(alerts[key])) for key in (*evaluated, *(alerts.keys() - evaluated))}


def _row(kept: KeptRuleAlert) -> dict[str, Any]:
    alert = kept.alert
    row = {
        "content": kept.content,
        "fingerprint": fingerprint(alert.labels),
        "group_key": kept.group,
        "rule": kept.rule,
        "family": kept.family,
        "labels": labels_text(alert.labels),  # ASCII: a zero byte or half a character stands there escaped
        "annotations": json_text(dict(alert.annotations)),
        "value": alert.value if math.isfinite(alert.value) else None,
        "phase": alert.phase.value,
        "active_at": alert.active_at,
        "fired_at": alert.fired_at,
        "resolved_at": alert.resolved_at,
        "keep_firing_since": alert.keep_firing_since,
    }
    return {name: checked(name, value) for name, value in row.items()}


def _record(row: RowMapping) -> KeptRuleAlert:
    alert = RuleAlert(
        labels=labels_of(row["labels"]),
        annotations=texts_of(row["annotations"]),
        value=math.nan if row["value"] is None else row["value"],
        phase=AlertPhase(row["phase"]),
        active_at=row["active_at"],
        fired_at=row["fired_at"],
        resolved_at=row["resolved_at"],
        keep_firing_since=row["keep_firing_since"],
    )
    return KeptRuleAlert(row["group_key"], row["rule"], row["family"], row["content"], alert)
