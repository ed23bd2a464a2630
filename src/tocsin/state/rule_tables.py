"""
Tables behind `state.rule_states`.

One row per alert that a rule keeps. Labels and annotations are JSON texts; `fingerprint` is the labels' own, so that a row is found by
rule and labels. `value` is null where it is not a number.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Table, Text

from tocsin.state.tables import INT64, METADATA, int64, text

RULE_GROUPS = Table("rule_groups", METADATA, Column("group_key", Text, primary_key=True), int64("evaluated_at"))

RULE_ALERTS = Table(
    "rule_alerts", METADATA, Column("content", Text, primary_key=True), Column("fingerprint", Text, primary_key=True), text("group_key"),
    text("rule"), text("family"), text("labels"), text("annotations"), Column("value", Double), text("phase"), int64("active_at"),
    Column("fired_at", INT64), Column("resolved_at", INT64), Column("keep_firing_since", INT64),
    Index("rule_alerts_by_group", "group_key"),
)  # fmt: skip
