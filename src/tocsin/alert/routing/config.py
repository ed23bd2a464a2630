"""
The configuration of routing: what an Alertmanager's file says, as frozen records.

    config = read_config(Path("alertmanager.yml"))
    [route.receiver for route in config.route.match(labels)]

Everything that is wrong with a file is said at once, with its place. Whatever `amtool check-config` refuses is refused here; what is
refused here beyond that would lose a page in silence: integrations that Tocsin has none of, files of secrets that can't be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tocsin.alert.routing.fields import elements, mapping, path_of
from tocsin.alert.routing.hiding import shown
from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.intervals import TimeInterval
from tocsin.alert.routing.matchers import format_matcher, format_matchers
from tocsin.alert.routing.read_global import GlobalConfig, read_global
from tocsin.alert.routing.read_intervals import read_intervals
from tocsin.alert.routing.read_receivers import read_receivers
from tocsin.alert.routing.read_routes import ROOT_ID, Known, read_inhibit_rules, read_route
from tocsin.alert.routing.receivers import Receiver
from tocsin.alert.routing.tree import Route
from tocsin.model.alert import ALERT_NAME, SEVERITY
from tocsin.model.series import Matcher, MatchOperator
from tocsin.model.severity import LEVELS, SeverityLevel
from tocsin.slo.files.notes import DefinitionMistakes, Notes, Place
from tocsin.slo.files.parts import Part
from tocsin.slo.files.yaml_reading import read_documents

RESOLVE_TIMEOUT_S = 300.0
DEFAULT_GROUP_BY = frozenset({"service", ALERT_NAME})
IGNORED = ("tracing", "event_recorder")
FIELDS = ("global", "route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals", "templates", *IGNORED)


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
        defaults: What integrations take that say nothing themselves, for receivers that stand elsewhere.
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
    defaults: GlobalConfig = field(default_factory=GlobalConfig)


def read_config(path: Path, *, others_ignored: bool = False) -> AlertingConfig:
    """
    What a file says.

    Args:
        path: YAML, as Alertmanager reads it.
        others_ignored: Integrations that Tocsin has none of are left out with a remark; otherwise they are mistakes.

    Raises:
        DefinitionMistakes: Something in it is wrong; all of it is said.
    """
    notes = Notes()
    documents = read_documents(path, notes)
    config: AlertingConfig | None = None
    if len(documents) == 1:
        config = _config(documents[0], path, others_ignored=others_ignored)
    elif not notes.mistakes:
        notes.mistake(Place(str(path)), f"expected one document with 'route' and 'receivers', found {len(documents)}")
    if notes.mistakes or config is None:
        raise DefinitionMistakes(notes.mistakes)
    return replace(config, remarks=tuple(notes.remarks), original=shown(documents[0]))


def default_config() -> AlertingConfig:
    """
    What holds when no file is given: alerts go by severity, P1 to the receiver `page`, P2 to `ticket`, P3 to `review`, P4 to `dashboard`.

    An alert without a severity that means one goes to `ticket`. The receivers have no integrations: what they get is seen on the desk, and
    on-call chains may bind to them.
    """
    routes = tuple(_severity_route(level) for level in LEVELS)
    receivers = {level.words[0]: Receiver(level.words[0]) for level in LEVELS}
    return AlertingConfig(Route(ROOT_ID, "ticket", group_by=DEFAULT_GROUP_BY, routes=routes), receivers, original=_default_text())


def _severity_route(level: SeverityLevel) -> Route:
    matcher = _severity_matcher(level)
    return Route(f"{ROOT_ID}/{format_matchers((matcher,))}", level.words[0], matchers=(matcher,), group_by=DEFAULT_GROUP_BY)


def _severity_matcher(level: SeverityLevel) -> Matcher:
    # Rules may write P1 or Critical; what a word means is found without regard to case.
    return Matcher(SEVERITY, MatchOperator.REGEX, f"(?i)({'|'.join(level.words)})")


def _default_text() -> str:
    """The same as a file would say it: clients of the API, such as `amtool config routes`, read it."""
    lines = ["route:", "  receiver: ticket", f"  group_by: [{', '.join(sorted(DEFAULT_GROUP_BY))}]", "  routes:"]
    for level in LEVELS:
        lines += [f"  - receiver: {level.words[0]}", f"    matchers: ['{format_matcher(_severity_matcher(level))}']"]
    return "\n".join([*lines, "receivers:", *(f"- name: {level.words[0]}" for level in LEVELS), ""])


def _config(document: Part, path: Path, *, others_ignored: bool) -> AlertingConfig:
    fields = mapping(document, "the configuration", FIELDS)
    for name in IGNORED:
        if name in fields:
            fields.found[name].remark(f"{name} is for Alertmanager itself, so it is ignored")
    defaults = read_global(fields.optional("global"))
    receivers = read_receivers(elements(fields.optional("receivers"), "receivers"), defaults, others_ignored=others_ignored)
    intervals: dict[str, TimeInterval] = {}
    for name in ("mute_time_intervals", "time_intervals"):
        read_intervals(elements(fields.optional(name), "time intervals"), intervals)
    rules = read_inhibit_rules(elements(fields.optional("inhibit_rules"), "inhibit rules"))
    route = fields.needed("route", "it says who is told, as in route: {receiver: team}")
    return AlertingConfig(
        read_route(route, Known(receivers, intervals)) if route is not None else Route(ROOT_ID, ""),
        receivers,
        rules,
        intervals,
        tuple(path_of(item) for item in elements(fields.optional("templates"), "patterns of files")),
        defaults.resolve_timeout_s,
        path=str(path),
        defaults=defaults,
    )
