"""
Tables behind `state.oncall`: what people changed about schedules, whom pages called, and calendars.

What a page's chain was told last is JSON, see `alert_json`. A page that is open has an `open_key`, of its chain and its group, and no two
have the same: a group has one open page per chain at most, whatever runs at once.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text

from tocsin.state.tables import INT64, METADATA, int64, text

OVERRIDES = Table(
    "oncall_overrides", METADATA, Column("id", Text, primary_key=True), text("schedule"), int64("start"), int64("end"), text("person"),
    text("replaces"), text("author"), text("reason"), int64("created"), text("swap"), Column("withdrawn_at", INT64),
    Column("withdrawn_by", Text), Column("withdrawn_reason", Text), Index("oncall_overrides_by_end", "end"),
)  # fmt: skip

SWAPS = Table(
    "oncall_swaps", METADATA, Column("id", Text, primary_key=True), text("schedule"), int64("start"), int64("end"), text("asked_by"),
    text("offered_to"), text("reason"), int64("created"), text("state"), text("decided_by"), Column("decided_at", INT64), text("comment"),
    Index("oncall_swaps_by_time", "created"),
)  # fmt: skip

PAGES = Table(
    "oncall_pages", METADATA, Column("id", Text, primary_key=True), text("chain"), text("group_key"), text("kind"), text("state"),
    text("severity"), int64("opened_at"), Column("step", Integer, nullable=False), Column("turn", Integer, nullable=False),
    Column("repeats_left", Integer, nullable=False), Column("due_at", INT64), text("content"), text("acknowledged_by"),
    Column("acknowledged_at", INT64), Column("closed_at", INT64), Column("open_key", Text),
    Index("oncall_pages_by_open_key", "open_key", unique=True), Index("oncall_pages_by_due", "due_at"),
    Index("oncall_pages_by_time", "opened_at"), Index("oncall_pages_by_group", "group_key"),
)  # fmt: skip

# Which notifications a chain has seen: told twice, they change nothing.
STARTS = Table(
    "oncall_starts", METADATA, Column("key", Text, primary_key=True), text("page"), int64("at"), Index("oncall_starts_by_time", "at"),
)  # fmt: skip

CALLS = Table(
    "oncall_calls", METADATA, Column("key", Text, primary_key=True), text("page"), text("chain"), text("person"), text("schedule"),
    text("channel"), int64("at"), Column("step", Integer, nullable=False), Column("turn", Integer, nullable=False), text("reason"),
    Column("wakes", Boolean, nullable=False), Column("at_night", Boolean, nullable=False),
    Index("oncall_calls_by_page", "page"), Index("oncall_calls_by_time", "at"),
)  # fmt: skip

# A feed's secret is not kept, only its hash.
FEEDS = Table(
    "oncall_feeds", METADATA, Column("digest", Text, primary_key=True), text("subject"), text("name"), text("author"), int64("created"),
    Column("revoked", INT64), Index("oncall_feeds_by_name", "subject", "name"),
)  # fmt: skip
