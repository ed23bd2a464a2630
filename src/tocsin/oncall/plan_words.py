"""A plan in words: what files say, as lists show it."""

from __future__ import annotations

from datetime import timedelta

from tocsin.oncall.definition import ALL_DAYS, DAY_MINUTES, Chain, Hours, Layer, OncallPlan, Person, Schedule, Step
from tocsin.oncall.desk_records import ChainSummary, LayerSummary, PersonSummary, PlanSummary, ScheduleSummary, StepSummary

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
GROUPS = {ALL_DAYS: "daily", frozenset(range(5)): "mon-fri", frozenset({5, 6}): "sat-sun"}
UNITS = ((timedelta(days=7), "w"), (timedelta(days=1), "d"), (timedelta(hours=1), "h"))


def plan_summary(plan: OncallPlan) -> PlanSummary:
    """Everything that a plan says."""
    return PlanSummary(
        tuple(_person(person) for person in plan.people.values()),
        tuple(_schedule(schedule) for schedule in plan.schedules.values()),
        tuple(_chain(chain) for chain in plan.chains.values()),
    )


def hours_words(hours: Hours) -> str:
    """`mon-fri 09:00-17:00`; past midnight with the day on which it ends, `fri 17:00 - mon 09:00`."""
    days = GROUPS.get(hours.days) or ",".join(DAY_NAMES[day] for day in sorted(hours.days))
    end = hours.start_minute + hours.lasting_minutes
    if end > 2 * DAY_MINUTES and len(hours.days) == 1:
        (day,) = hours.days
        return f"{days} {_time(hours.start_minute)} - {DAY_NAMES[(day + end // DAY_MINUTES) % 7]} {_time(end % DAY_MINUTES)}"
    return f"{days} {_time(hours.start_minute)}-{_time(end if end <= DAY_MINUTES else end % DAY_MINUTES)}"


def length_words(length: timedelta) -> str:
    """`1w`, `12h`: the largest unit that it is a multiple of."""
    unit, letter = next((unit, letter) for unit, letter in UNITS if not length % unit)
    return f"{length // unit}{letter}"


def _time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _person(person: Person) -> PersonSummary:
    kinds = tuple(contact.kind for contact in person.contacts)
    return PersonSummary(person.name, person.title, person.role, person.zone, kinds, person.place)


def _schedule(schedule: Schedule) -> ScheduleSummary:
    layers = tuple(_layer(layer) for layer in schedule.layers)
    return ScheduleSummary(schedule.name, schedule.title, schedule.zone, layers, schedule.place)


def _layer(layer: Layer) -> LayerSummary:
    return LayerSummary(
        layer.name,
        layer.users,
        length_words(layer.length),
        f"{layer.start:%Y-%m-%d %H:%M}",
        f"{layer.until:%Y-%m-%d %H:%M}" if layer.until is not None else "",
        tuple(hours_words(hours) for hours in layer.restrictions),
    )


def _step(step: Step) -> StepSummary:
    return StepSummary(tuple(f"{one.kind.value} {one.name}" for one in step.notify), step.acknowledge_within_s)


def _chain(chain: Chain) -> ChainSummary:
    steps = tuple(
        StepSummary(tuple(f"{one.kind.value} {one.name}" for one in step.notify), step.acknowledge_within_s) for step in chain.steps
    )
    severities = tuple(sorted(severity.value for severity in chain.severities))
    return ChainSummary(
        chain.name, chain.title, chain.receiver, steps, chain.repeat, severities, chain.acknowledgement_lasts_s, chain.place
    )
