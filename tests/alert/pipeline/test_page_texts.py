"""Facts of a page: with them when they are there in time, without them otherwise."""

from __future__ import annotations

import threading

from tests.state.alert_builders import notification

from tocsin.alert.pipeline.page_texts import PageTexts, PageTextStatistics
from tocsin.errors import StoreError
from tocsin.model.notification import Notification


def test_a_page_never_waits_for_its_facts() -> None:
    """Facts that come are used; facts that fail or take too long are left out, and counted."""
    late = threading.Event()

    def gather(told: Notification) -> str:
        if told.key == "late":
            late.wait(30)
        if told.key == "broken":
            raise StoreError("the engine is away")
        if told.key == "bug":
            raise KeyError("x")
        return "facts"

    texts = PageTexts(gather, lambda told: f"bare {told.key}", limit_s=0.2, workers=2)
    try:
        answers = [texts.of(notification(key)) for key in ("good", "late", "broken", "bug", "good")]
    finally:
        late.set()
        texts.close()
    assert answers == ["facts", "bare late", "bare broken", "bare bug", "facts"]
    assert texts.statistics() == PageTextStatistics(gathered=2, late=1, failed=2)
