"""Where answers come from that no request brings: functions of this process, and probes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from tocsin.collect.options import CollectOptions
from tocsin.collect.targets import Target
from tocsin.collect.transport import Answer, HttpTransport, ScrapeFailed, Share
from tocsin.errors import Timeout, TocsinError

PLAIN_TEXT = "text/plain; version=0.0.4"


@dataclass(frozen=True, slots=True)
class InProcess:
    """
    Something of this process that is collected like a target.

    Args:
        job: Value of the label `job`.
        instance: Value of the label `instance`.
        interval_s: Time between two collections.
        collect: Gives the answer; called in a thread of its own, may take long.
        content_type: Its format.
    """

    job: str
    instance: str
    interval_s: float
    collect: Callable[[], bytes]
    content_type: str = PLAIN_TEXT


class HttpSource:
    """
    Targets that are asked over HTTP.

    Args:
        transport: Of their job.
    """

    def __init__(self, transport: HttpTransport) -> None:
        self._transport = transport

    async def fetch(self, target: Target, share: Share) -> Answer:
        """The target's answer."""
        return await self._transport.fetch(target.url, timeout_s=target.timeout_s, share=share)


class InProcessSource:
    """
    A function that is asked.

    Args:
        source: The function, and how its answer reads.
    """

    def __init__(self, source: InProcess) -> None:
        self._source = source

    async def fetch(self, target: Target, share: Share) -> Answer:
        """What the function gives; one that hangs keeps its thread, and fails the scrape."""
        try:
            async with asyncio.timeout(target.timeout_s):
                body = await asyncio.to_thread(self._source.collect)
        except TimeoutError as error:
            raise Timeout(f"no answer within {target.timeout_s:g} s") from error
        except TocsinError:
            raise
        except Exception as error:
            raise ScrapeFailed(f"{type(error).__name__}: {error}") from error
        share.take(len(body))
        return Answer(body, self._source.content_type)


def in_process_sources(
    options: CollectOptions, *, machine: str, host: Callable[[], bytes] | None = None, own: Callable[[], bytes] | None = None
) -> list[InProcess]:
    """
    Metrics of the machine and of Tocsin itself, as far as the options ask for them.

    Args:
        options: Which of them, how often.
        machine: The machine's name, for the label `instance`.
        host: Gives the metrics of the machine as Prometheus text.
        own: Gives those of this process.
    """
    out = []
    for group, collect in ((options.host, host), (options.own, own)):
        if group.enabled and collect is not None:
            out.append(InProcess(group.job_name, group.instance or machine, group.interval, collect))
    return out
