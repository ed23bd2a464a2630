"""
What a page says beyond its alerts, gathered just before it is sent: a page that waits for its facts is worse than one without them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from typing import Generic, TypeVar

from tocsin.errors import TocsinError
from tocsin.model.notification import Notification

LIMIT_S = 3.0

_LOG = logging.getLogger(__name__)
Text = TypeVar("Text")


@dataclass(frozen=True, slots=True)
class PageTextStatistics:
    """
    Facts for pages since the start.

    Args:
        gathered: Pages that had their facts.
        late: Pages that went out without, because the facts took too long.
        failed: Pages that went out without, because they could not be found.
    """

    gathered: int
    late: int
    failed: int


class PageTexts(Generic[Text]):
    """
    Gathers them within a time limit. Safe to use from several threads.

    Args:
        gather: Finds the facts; may take long, may fail.
        bare: The text without them; neither.
        limit_s: How long a page waits for its facts, seconds.
        workers: How many gather at once; one that is stuck is waited for by nobody, and occupies its place.
    """

    def __init__(
        self, gather: Callable[[Notification], Text], bare: Callable[[Notification], Text], *, limit_s: float = LIMIT_S, workers: int = 4
    ) -> None:
        self._gather = gather
        self._bare = bare
        self._limit_s = limit_s
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="page-text")
        self._lock = threading.Lock()
        self._gathered = self._late = self._failed = 0

    def of(self, notification: Notification) -> Text:
        """The text of a page, with what could be found in time."""
        text = self._in_time(self._pool.submit(self._gather, notification))
        return self._bare(notification) if text is None else text

    def statistics(self) -> PageTextStatistics:
        """Counts since the start."""
        with self._lock:
            return PageTextStatistics(self._gathered, self._late, self._failed)

    def close(self) -> None:
        """Gather no more; what is stuck is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _in_time(self, future: Future[Text]) -> Text | None:
        try:
            text = future.result(self._limit_s)
        except NotInTime:
            future.cancel()
            with self._lock:
                self._late += 1
            _LOG.warning("a page goes out without its facts: they took more than %g s", self._limit_s)
            return None
        except Exception as error:  # noqa: BLE001 - facts are extras: whatever is wrong with them, the page goes out
            with self._lock:
                self._failed += 1
            _LOG.warning("a page goes out without its facts: %s", error, exc_info=not isinstance(error, TocsinError))
            return None
        with self._lock:
            self._gathered += 1
        return text
