"""
Overrides, swaps, pages with their calls, and calendar feeds.

    state.oncall.overrides.list(ending_after=now)       state.oncall.pages.due(now)        state.oncall.swaps.decide(...)
"""

from __future__ import annotations

from tocsin.state.database import Database
from tocsin.state.oncall_feeds import Feeds
from tocsin.state.oncall_overrides import Overrides
from tocsin.state.oncall_pages import Pages
from tocsin.state.oncall_swaps import Swaps


class Oncall:
    """
    Keeps them; safe to call from several threads.

    Attributes:
        overrides: Who takes over from whom for a while.
        swaps: Shifts that people offer each other.
        pages: Whom chains of escalation call, and called.
        feeds: Calendars that programs subscribe to.
    """

    def __init__(self, database: Database) -> None:
        self.overrides = Overrides(database)
        self.swaps = Swaps(database)
        self.pages = Pages(database)
        self.feeds = Feeds(database)
