"""One try to tell somebody: the channel is found, the page is written, the receiver takes it or does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tocsin.alert.pipeline.steps import PipelineStep, Steps
from tocsin.clock import Clock
from tocsin.errors import DeliveryError, TocsinError
from tocsin.model.notification import Attempt, Notification

DETAIL_CHARACTERS_MAX = 500

_LOG = logging.getLogger(__name__)
Text = TypeVar("Text")
Text_contra = TypeVar("Text_contra", contravariant=True)


class Sender(Protocol[Text_contra]):
    """A channel, as far as delivery knows it."""

    def send(self, notification: Notification, page: Text_contra, /) -> str:
        """Tell the receiver; returns what it answered. Raises DeliveryError."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """
    What became of an attempt.

    Args:
        attempt: The attempt.
        lasting: The same again would be refused again.
        retry_after_s: What the receiver asked for.
        blames_channel: Whether everything else for this channel is to wait, too.
    """

    attempt: Attempt
    lasting: bool = False
    retry_after_s: float | None = None
    blames_channel: bool = True


class Trial(Generic[Text]):
    """
    Tries. Safe to use from several threads.

    Args:
        channel: The channel of a receiver by its name; None when it is gone.
        page: Gathers the text of a page.
        bare: The text without facts, for when `page` fails; None: then the attempt fails.
        clock: The present.
        steps: Is told of each step.
    """

    def __init__(
        self,
        channel: Callable[[str, str], Sender[Text] | None],
        page: Callable[[Notification], Text],
        bare: Callable[[Notification], Text] | None,
        *,
        clock: Clock,
        steps: Steps,
    ) -> None:
        self._channel = channel
        self._page = page
        self._bare = bare
        self._clock = clock
        self._steps = steps

    def of(self, notification: Notification) -> Result:
        """Try to tell one; whatever happens is in the result. `attempt.number` is 0: whoever keeps it knows the number."""
        began, started_s = self._clock.now_ns(), self._clock.monotonic_s()

        def attempt(outcome: str, detail: str) -> Attempt:
            return Attempt(notification.key, 0, began, self._clock.monotonic_s() - started_s, outcome, detail[:DETAIL_CHARACTERS_MAX])

        try:
            result = Result(attempt("delivered", self._send(notification)))
        except _Gone as error:
            result = Result(attempt("refused", str(error)), lasting=True, blames_channel=False)
        except DeliveryError as error:
            outcome = "refused" if error.lasting else "failed"
            result = Result(attempt(outcome, str(error)), error.lasting, error.retry_after_s, blames_channel=not error.lasting)
        except Exception as error:  # noqa: BLE001 - neither a template nor a bug in one channel may end the worker that serves all others
            _LOG.exception("%s of %s failed in a way that it should not", notification.channel, notification.receiver)
            result = Result(attempt("failed", f"internal: {type(error).__name__}"), blames_channel=False)
        delivered = result.attempt.outcome == "delivered"
        self._steps.reached(PipelineStep.SENT if delivered else PipelineStep.ATTEMPT_FAILED)
        return result

    def _send(self, notification: Notification) -> str:
        found = self._channel(notification.receiver, notification.channel)
        if found is None:
            raise _Gone(f"the configuration has no channel {notification.channel} of {notification.receiver} any more", lasting=True)
        text = self._text(notification)
        self._steps.reached(PipelineStep.ATTEMPT_BEGUN)
        return found.send(notification, text)

    def _text(self, notification: Notification) -> Text:
        try:
            return self._page(notification)
        except Exception as error:
            if self._bare is None:
                raise
            _LOG.warning("a page goes out without its facts: %s", error, exc_info=not isinstance(error, TocsinError))
            return self._bare(notification)


class _Gone(DeliveryError):
    """The configuration has no such channel any more."""
