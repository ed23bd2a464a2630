"""
The configuration of routing: what an Alertmanager's file says, as frozen records.

    config = read_config(Path("alertmanager.yml"))
    [route.receiver for route in config.route.match(labels)]

Everything that is wrong with a file is said at once, with its place. Whatever `amtool check-config` refuses is refused here; what is refused
here beyond that would lose a page in silence: receivers of kinds that Tocsin has none of, files of secrets that can't be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.intervals import TimeInterval
from tocsin.alert.routing.receivers import Receiver
from tocsin.alert.routing.tree import Route

RESOLVE_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class AlertingConfig:
    """
    Where alerts go.

    Args:
        route: The root of the tree.
        receivers: By name, in the order of the file.
        inhibit_rules: What keeps what from being told.
        time_intervals: By name.
        templates: Patterns of template files, absolute or from the working directory.
        resolve_timeout_s: After how long an alert has ended that somebody said without an end and says no more, seconds.
        remarks: What is allowed and probably not meant, each with its place.
        original: The file's text with all secrets hidden, for the API.
        path: Where it was read; empty for the default.
    """

    route: Route
    receivers: Mapping[str, Receiver]
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: Mapping[str, TimeInterval] = field(default_factory=dict)
    templates: tuple[str, ...] = ()
    resolve_timeout_s: float = RESOLVE_TIMEOUT_S
    remarks: tuple[str, ...] = ()
    original: str = ""
    path: str = ""
