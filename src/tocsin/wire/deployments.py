"""
Where deployments are told: by a mark of ours, by CDEvents, by GitHub's webhooks.

    body -> read (`cdevents`, `github_deployments`, or the mark itself) -> times checked -> recorded, each once

Always holds: a request is checked as a whole before anything of it is recorded; what is no deployment is answered with the reason and
counted.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tocsin.clock import Clock
from tocsin.errors import InvalidInput, TocsinError
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus, Kept
from tocsin.model.instant import NANOSECONDS, format_instant, parse_instant
from tocsin.wire.cdevents import read_cdevents
from tocsin.wire.deployment_options import DeploymentOptions
from tocsin.wire.github_deployments import check_signature, read_github

NAME_LENGTH_MAX = 200
ID_LENGTH_MAX = 300
URL_LENGTH_MAX = 2000
DESCRIPTION_LENGTH_MAX = 1000
INSTANT_LENGTH_MAX = 64


def _plain(text: str) -> str:
    text = text.strip()
    if not text.isprintable():
        raise ValueError("expected a text without control characters")
    return text


def _web_address(text: str) -> str:
    text = _plain(text)
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("expected an address that starts with http:// or https://")
    return text


Name = Annotated[str, AfterValidator(_plain), Field(max_length=NAME_LENGTH_MAX)]
SomeName = Annotated[str, Field(pattern=r"\S", max_length=NAME_LENGTH_MAX), AfterValidator(_plain)]


class DeploymentMark(BaseModel):
    """A deployment as people and pipelines tell of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: SomeName = Field(description="What was deployed, as `service.name` says.")
    version: SomeName = Field(description="What came, as `service.version` says.")
    at: str | None = Field(
        default=None, max_length=INSTANT_LENGTH_MAX, description="When it took effect: RFC 3339, seconds since 1970, `now-5m`; null: now."
    )
    status: Literal["started", "succeeded", "failed", "rolled_back", "removed"] = Field(default="succeeded", description="How it stands.")
    environment: Name = Field(default="", description="`production`, or whatever you call it.")
    author: Name = Field(default="", description="Who did it.")
    url: Annotated[str, AfterValidator(_web_address)] = Field(
        default="", max_length=URL_LENGTH_MAX, description="Where more stands about it: http or https."
    )
    description: Annotated[str, AfterValidator(_plain)] = Field(
        default="", max_length=DESCRIPTION_LENGTH_MAX, description="What it brings, in a sentence."
    )
    previous_version: Name = Field(default="", description="What it replaced.")
    id: Annotated[str, AfterValidator(_plain)] = Field(
        default="",
        max_length=ID_LENGTH_MAX,
        description="Names it: marking it again brings it up to date. By default made from service, version, environment, time.",
    )


@dataclass(frozen=True, slots=True)
class DeploymentAnswer:
    """
    What became of a request.

    Args:
        recorded: Deployments that are new.
        known: Those that were known by their id before, as they are known now: a message older than what is known turns nothing back.
        ignored: Why the rest is none of them, one sentence per event.
    """

    recorded: list[Deployment]
    known: list[Deployment]
    ignored: list[str]


@dataclass(frozen=True, slots=True)
class DeploymentDoorStatistics:
    """
    Counts since start.

    Args:
        requests: Requests by source (`mark`, `cdevents`, `github`), refused ones included.
        refused: Requests that were wrong, or that nothing could keep, by source.
        recorded: Deployments that were new, by source.
        known: Deployments that were known before and told of again, by source.
        ignored: Events that tell of no deployment, or in a version that is not known here, by source.
    """

    requests: Mapping[str, int]
    refused: Mapping[str, int]
    recorded: Mapping[str, int]
    known: Mapping[str, int]
    ignored: Mapping[str, int]


class DeploymentDoor:
    """
    Takes deployments in. Safe to use from several threads.

    Args:
        record: Keeps one, or what is told anew of one that is known by its id.
        clock: The present.
        options: Secret, names of services, how far ahead a time may lie.
    """

    def __init__(self, record: Callable[[Deployment], Kept], clock: Clock, options: DeploymentOptions | None = None) -> None:
        self._record = record
        self._clock = clock
        self._options = options or DeploymentOptions()
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in DeploymentDoorStatistics.__slots__}

    def mark(self, mark: DeploymentMark) -> DeploymentAnswer:
        """
        Take a mark of ours.

        Raises:
            InvalidInput: Its time is none, or lies too far ahead.
        """
        return self._take(DeploymentSource.MARK, lambda: [marked(mark, now_ns=self._clock.now_ns())])

    def cdevents(self, headers: Mapping[str, str], body: bytes) -> DeploymentAnswer:
        """Take a CDEvent or a batch of them (headers by name in lower case); raises as `read_cdevents` does."""
        return self._take(DeploymentSource.CDEVENTS, lambda: read_cdevents(headers, body, self._options.services))

    def github(self, headers: Mapping[str, str], body: bytes) -> DeploymentAnswer:
        """Take a webhook of GitHub (headers by name in lower case); raises as `check_signature` and `read_github` do."""
        return self._take(DeploymentSource.GITHUB, lambda: [self._read_github(headers, body)])

    def statistics(self) -> DeploymentDoorStatistics:
        """Counts since start."""
        with self._lock:
            return DeploymentDoorStatistics(**{name: dict(counts) for name, counts in self._counts.items()})

    def _read_github(self, headers: Mapping[str, str], body: bytes) -> Deployment | str:
        if self._options.github_secret is not None:
            check_signature(body, headers.get("x-hub-signature-256", ""), self._options.github_secret.get_secret_value())
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        return read_github(headers.get("x-github-event", ""), media_type, body, self._options.services)

    def _take(self, source: DeploymentSource, read: Callable[[], Sequence[Deployment | str]]) -> DeploymentAnswer:
        self._count("requests", source, 1)
        try:
            told = read()
            deployments = [one for one in told if isinstance(one, Deployment)]
            for deployment in deployments:
                self._check_time(deployment)
            kept = [self._record(deployment) for deployment in deployments]
        except TocsinError:
            self._count("refused", source, 1)
            raise
        answer = DeploymentAnswer(
            recorded=[one.deployment for one in kept if one.is_new],
            known=[one.deployment for one in kept if not one.is_new],
            ignored=[one for one in told if isinstance(one, str)],
        )
        for name in ("recorded", "known", "ignored"):
            self._count(name, source, len(getattr(answer, name)))
        return answer

    def _check_time(self, deployment: Deployment) -> None:
        latest = self._clock.now_ns() + round(self._options.future_s_max * NANOSECONDS)
        if not 0 <= deployment.at <= latest:
            raise InvalidInput(
                f"{deployment.service} {deployment.version} was deployed at {format_instant(deployment.at)}: expected an instant from 1970"
                f" to {format_instant(latest)} (deployments.future_s_max)"
            )

    def _count(self, name: str, source: DeploymentSource, number: int) -> None:
        if number:
            with self._lock:
                self._counts[name][source.value] += number


def marked(mark: DeploymentMark, *, now_ns: int) -> Deployment:
    """
    The deployment that a mark tells of, at `now_ns` unless it says when.

    Raises:
        InvalidInput: Its time is none.
    """
    try:
        at = now_ns if mark.at is None else parse_instant(mark.at, now=now_ns)
    except InvalidInput as error:
        raise InvalidInput(f"at: {error}") from error
    named = "\n".join((mark.service, mark.version, mark.environment, str(at)))
    return Deployment(
        id=mark.id or f"mark:{hashlib.blake2b(named.encode(), digest_size=12).hexdigest()}",
        service=mark.service,
        version=mark.version,
        at=at,
        source=DeploymentSource.MARK,
        status=DeploymentStatus(mark.status),
        environment=mark.environment,
        author=mark.author,
        url=mark.url,
        description=mark.description,
        previous_version=mark.previous_version,
    )
