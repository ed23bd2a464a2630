"""What a service of the demo is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tocsin.demo.chance import Chance
from tocsin.demo.faults.board import FaultBoard

DEMO_VERSION = "1.0.0"
PEER_TIMEOUT_S = 5.0  # a caller that waits longer than its own caller only wastes a worker


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """
    Where a service finds its world.

    Args:
        data: Folder for its database.
        chance: Decides how long the outside world takes and when it fails.
        peers: Base addresses of the services that it calls, by name.
        faults: What is broken now.
        version: The service's version: some faults come with a deployment.
    """

    data: Path
    chance: Chance
    peers: dict[str, str] = field(default_factory=dict)
    faults: FaultBoard = field(default_factory=lambda: FaultBoard(None))
    version: str = DEMO_VERSION
