"""Deployments: which version of a service came when, who said so, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tocsin.model.instant import Instant


class DeploymentSource(Enum):
    """Who told of a deployment; the value is its name in JSON."""

    MARK = "mark"  # `tocsin deploy mark`, or our own HTTP endpoint
    CDEVENTS = "cdevents"
    GITHUB = "github"
    TELEMETRY = "telemetry"  # found: spans or logs of a service began to name another `service.version`


class DeploymentStatus(Enum):
    """How it stands; the value is its name in JSON."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Deployment:
    """
    One deployment of one service.

    Args:
        id: Names it: that of the source where it has one (a CDEvents or GitHub id), so that telling twice changes nothing.
        service: What was deployed, as `service.name` says.
        version: What came, empty when nobody said.
        at: When it came to stand as it does: the time that the latest message about it names. A success that follows a start moves it
            there, since then the version serves; so does a rollback.
        source: Who told of it.
        status: How it stands.
        environment: `production`, or whatever the source called it; may be empty.
        author: Who did it; may be empty.
        url: Where more stands about it; may be empty.
        description: In the source's words; may be empty.
        previous_version: What it replaced, where that is known.
    """

    id: str
    service: str
    version: str
    at: Instant
    source: DeploymentSource
    status: DeploymentStatus = DeploymentStatus.SUCCEEDED
    environment: str = ""
    author: str = ""
    url: str = ""
    description: str = ""
    previous_version: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What became of a deployment that was told.

    Args:
        deployment: As it is known now. Of two messages the later one by its own time stands, whichever came first.
        is_new: Whether nothing was known by its id before.
    """

    deployment: Deployment
    is_new: bool
