"""The one door of this room for `api/` and `app/`."""

from __future__ import annotations


class IncidentDesk:
    """Questions and orders about incidents. Safe to use from several threads."""
