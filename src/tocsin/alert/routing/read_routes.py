"""The `route` and `inhibit_rules` blocks of an Alertmanager's file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tocsin.alert.routing import fields as read
from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.tree import Route, child_id
from tocsin.model.series import Matcher
from tocsin.model.spelling import did_you_mean
from tocsin.slo.files.parts import Fields, Part

ROOT_ID = "{}"
ALL_LABELS = "..."

_MATCHERS: dict[str, read.Reader] = {"matchers": read.matchers, "match": read.equal_matchers, "match_re": read.regex_matchers}
_TIMES: dict[str, read.Reader] = {
    "group_wait": read.duration_s,
    "group_interval": read.positive_duration_s,
    "repeat_interval": read.positive_duration_s,
}
_INTERVALS = ("mute_time_intervals", "active_time_intervals")
_ROUTE = ("receiver", "group_by", "continue", *_MATCHERS, *_TIMES, *_INTERVALS, "routes")
_SIDES: dict[str, read.Reader] = {
    f"{side}_{name}": reader
    for side in ("source", "target")
    for name, reader in (("matchers", read.matchers), ("match", read.equal_matchers), ("match_re", read.regex_matchers))
}


@dataclass(frozen=True, slots=True)
class Known:
    """Names that routes may use: of receivers, and of time intervals."""

    receivers: Collection[str]
    intervals: Collection[str]


def read_route(part: Part, known: Known) -> Route:
    """The root with all routes below it."""
    fields = read.mapping(part, "a route", _ROUTE)
    for name in (*_MATCHERS, *_INTERVALS):
        if name in fields and (fields.found[name].items or fields.found[name].pairs):
            fields.found[name].wrong(f"the first route takes every alert at any time, so it has no {name}; write a route below it")
    if fields.flag("continue", default=False):
        fields.found["continue"].wrong("the first route has no sibling to go on to, so it has no continue")
    if "receiver" not in fields:
        fields.wrong("the first route needs 'receiver': who is told of what matches nothing else")
    above = Route(ROOT_ID, "")
    return _inherited(fields, above, ROOT_ID, (), known)


def read_inhibit_rules(parts: Sequence[Part]) -> tuple[InhibitRule, ...]:
    """Rules of inhibition, in order."""
    return tuple(_inhibit_rule(part) for part in parts)


def _inhibit_rule(part: Part) -> InhibitRule:
    fields = read.mapping(part, "an inhibit rule", (*_SIDES, "equal", "name"))
    found = read.values(fields, _SIDES)
    equal = fields.optional("equal")
    rule = InhibitRule(
        _side(found, "source"), _side(found, "target"), read.label_names(equal) if equal is not None else (), fields.text("name")
    )
    if not rule.sources:
        part.remark("an inhibit rule without source matchers: every alert holds others back")
    if not rule.targets:
        part.remark("an inhibit rule without target matchers: every alert is held back")
    return rule


def _side(found: dict[str, Any], side: str) -> tuple[Matcher, ...]:
    return tuple(matcher for name in ("match", "match_re", "matchers") for matcher in found.get(f"{side}_{name}", ()))


def _child(part: Part, above: Route, siblings: Counter[str], known: Known) -> Route:
    fields = read.mapping(part, "a route", _ROUTE)
    found = read.values(fields, _MATCHERS)
    matchers = tuple(matcher for name in ("match", "match_re", "matchers") for matcher in found.get(name, ()))
    own = replace(above, matchers=matchers, mute_time_intervals=(), active_time_intervals=())
    return _inherited(fields, own, child_id(above.id, matchers, siblings), matchers, known)


def _inherited(fields: Fields, above: Route, route_id: str, matchers: tuple[Matcher, ...], known: Known) -> Route:
    times = {f"{name}_s": value for name, value in read.values(fields, _TIMES).items()}
    receiver = fields.optional("receiver")
    here = replace(
        above,
        id=route_id,
        receiver=_named(receiver, known.receivers, "receiver") if receiver is not None else above.receiver,
        matchers=matchers,
        continues=fields.flag("continue", default=False),
        routes=(),
        **_group_by(fields.optional("group_by")),
        **times,
        mute_time_intervals=_intervals(fields.optional("mute_time_intervals"), known.intervals),
        active_time_intervals=_intervals(fields.optional("active_time_intervals"), known.intervals),
    )
    siblings: Counter[str] = Counter()
    children = tuple(_child(item, here, siblings, known) for item in read.elements(fields.optional("routes"), "routes"))
    return replace(here, routes=children)


def _group_by(part: Part | None) -> dict[str, Any]:
    if part is None:
        return {}
    names = read.label_names(part)
    if doubled := [name for name, count in Counter(names).items() if count > 1 and name != ALL_LABELS]:
        part.wrong(f"{doubled[0]!r} stands in group_by twice")
    if ALL_LABELS in names:
        if len(set(names)) > 1:
            part.wrong(f"{ALL_LABELS!r} means all labels, so nothing else can stand beside it in group_by")
        return {"group_by": frozenset(), "group_by_all": True}
    return {"group_by": frozenset(names), "group_by_all": False}  # an empty list is a wish of its own: all alerts are one group


def _intervals(part: Part | None, known: Collection[str]) -> tuple[str, ...]:
    return tuple(_named(item, known, "time interval") for item in read.elements(part, "names of time intervals"))


def _named(part: Part, known: Collection[str], what: str) -> str:
    name = part.text(f"the name of a {what}")
    if name not in known:
        part.wrong(f"no {what} is called {name!r}{did_you_mean(name, known)}")
    return name
