"""An acceptor that keeps what it gets, or refuses: the journal's place in tests."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from tocsin.model.batch import Batch


class FakeAcceptor:
    """
    Records batches; set `refusal` to raise it at once, `failure` to let the futures fail with it, `hold` to leave them open.

    `batches` has what was taken, in order; `release()` settles what `hold` left open.
    """

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.refusal: Exception | None = None
        self.failure: Exception | None = None
        self.hold = False
        self.arrived = threading.Condition()
        self._open: list[Future[None]] = []

    def __call__(self, batch: Batch) -> Future[None]:
        """Take a batch as an Acceptor does."""
        if self.refusal is not None:
            raise self.refusal
        future: Future[None] = Future()
        with self.arrived:
            self.batches.append(batch)
            self._open.append(future)
            self.arrived.notify_all()
        if not self.hold:
            self.release()
        return future

    def release(self) -> None:
        """Settle every open future: with `failure`, or well."""
        with self.arrived:
            open_futures, self._open = self._open, []
        for future in open_futures:
            if self.failure is not None:
                future.set_exception(self.failure)
            else:
                future.set_result(None)

    def wait(self, batches: int, *, timeout_s: float = 10.0) -> bool:
        """Whether at least so many batches came within `timeout_s`."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.batches) >= batches, timeout_s)

    @property
    def records(self) -> int:
        """Spans, log records and data points taken so far."""
        return sum(batch.records for batch in self.batches)
