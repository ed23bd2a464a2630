"""The one door of this room for `api/` and `app/`."""

from __future__ import annotations


class AlertDesk:
    """Questions and orders about rules, alerts, silences and notifications. Safe to use from several threads."""
