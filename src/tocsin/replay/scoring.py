"""
Rules judged by what they did to people: who was woken, for what, how late, and what was missed.

    precision   pages that belong to an incident / pages
    recall      incidents that somebody was paged for / incidents
    detection   from an incident's start to its first page
    reset       from an incident's end until its last alert ended

Source: The Site Reliability Workbook, ch. 5, 'Alerting Considerations', with incidents in the place of significant events.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from statistics import median
from zoneinfo import ZoneInfo

from tocsin.model.instant import NANOSECONDS, Instant, TimeRange
from tocsin.replay.evidence import Firing, KnownIncident, Page, Told, Waiting
from tocsin.replay.options import ReplayOptions


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle and the worst of some lengths of time, seconds; both None when there are none."""

    median_s: float | None = None
    max_s: float | None = None


@dataclass(frozen=True, slots=True)
class RuleScore:
    """
    What one rule did.

    Args:
        rule: Its name.
        firings: How often an alert of it fired.
        pages: Pages that its alerts are in.
        true_pages: Those of them that belong to an incident.
        incidents: Incidents that it found: one of its firings overlaps them.
        fired_s: Seconds that its alerts fired, added up.
    """

    rule: str
    firings: int = 0
    pages: int = 0
    true_pages: int = 0
    incidents: int = 0
    fired_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PersonScore:
    """
    What one person bore.

    Args:
        person: Who; empty for pages that no schedule gives to somebody.
        pages: In all.
        nights: Nights with at least one page.
        night_pages: Pages at night.
        worst_week: Most pages in one week, Monday to Sunday.
        weeks_over: Weeks with more pages than a person can bear.
    """

    person: str
    pages: int
    nights: int
    night_pages: int
    worst_week: int
    weeks_over: int


@dataclass(frozen=True, slots=True)
class IncidentScore:
    """
    How one incident was found.

    Args:
        name: Which.
        start, end: When it was.
        pages: Pages that belong to it.
        detection_s: From its start to the first page, seconds; None when it was missed.
        reset_s: From its end until its last alert ended, seconds; None when it was missed, or when one of the two has not ended.
        budget_spent: Share of an objective's budget that was spent between its start and the first page, 0 to 1 and more; None when no
            objective is known.
        near_misses: Why it was missed although something saw it; empty when it was found, or when nothing did.
    """

    name: str
    start: Instant
    end: Instant | None
    pages: int
    detection_s: float | None
    reset_s: float | None
    budget_spent: float | None = None
    near_misses: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether somebody was paged for it."""
        return self.detection_s is not None


@dataclass(frozen=True, slots=True)
class Score:
    """
    How a set of rules did over a stretch of the past.

    Args:
        pages: Pages in all.
        true_pages: Those that belong to an incident.
        firings: Alerts that fired.
        precision: 0 to 1; None without pages.
        recall: 0 to 1; None without incidents.
        detection: From start to first page.
        reset: From end to the end of the last alert.
        budget_spent_max: Largest share of a budget that was spent before a page; None when no objective is known.
        pages_per_week: Pages by weeks of the stretch.
        night_pages: Pages at night.
        rules, people, incidents: One by one.
        woken_for_nothing: Pages outside of any incident.
    """

    pages: int
    true_pages: int
    firings: int
    precision: float | None
    recall: float | None
    detection: Spread
    reset: Spread
    budget_spent_max: float | None
    pages_per_week: float
    night_pages: int
    rules: tuple[RuleScore, ...] = ()
    people: tuple[PersonScore, ...] = ()
    incidents: tuple[IncidentScore, ...] = ()
    woken_for_nothing: tuple[Page, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    All that a replay saw.

    Args:
        over: The stretch of the past.
        firings, waitings, pages: What the rules did.
        incidents: What there was.
    """

    over: TimeRange
    firings: Sequence[Firing]
    pages: Sequence[Page]
    incidents: Sequence[KnownIncident] = ()
    waitings: Sequence[Waiting] = ()


@dataclass(frozen=True, slots=True)
class _Matching:
    """Which page belongs to which incident: indexes of pages by incident, and of all that belong to one."""

    by_incident: Sequence[Sequence[int]]
    true: frozenset[int] = field(default_factory=frozenset)


SpentBudget = Callable[[str, Instant, Instant], float | None]


def score(evidence: Evidence, options: ReplayOptions, *, spent: SpentBudget | None = None) -> Score:
    """
    Judge what a replay saw.

    Args:
        evidence: What it saw.
        options: What belongs to an incident, when it is night, how much a person can bear.
        spent: The share of an objective's budget that was spent in a range of time; None where no objectives are.
    """
    matching = _match(evidence, options)
    incidents = tuple(
        _incident_score(incident, [evidence.pages[index] for index in matching.by_incident[number]], evidence, options, spent)
        for number, incident in enumerate(evidence.incidents)
    )
    found = [incident for incident in incidents if incident.found]
    people = _people(evidence.pages, options)
    weeks = evidence.over.duration_ns / (7 * 86_400 * NANOSECONDS)
    return Score(
        pages=len(evidence.pages),
        true_pages=len(matching.true),
        firings=len(evidence.firings),
        precision=len(matching.true) / len(evidence.pages) if evidence.pages else None,
        recall=len(found) / len(incidents) if incidents else None,
        detection=_spread(incident.detection_s for incident in found),
        reset=_spread(incident.reset_s for incident in found),
        budget_spent_max=max((one.budget_spent for one in found if one.budget_spent is not None), default=None),
        pages_per_week=len(evidence.pages) / weeks if weeks else 0.0,
        night_pages=sum(person.night_pages for person in people),
        rules=_rules(evidence, matching, options),
        people=people,
        incidents=incidents,
        woken_for_nothing=tuple(page for index, page in enumerate(evidence.pages) if index not in matching.true),
    )


def belongs(page: Page, incident: KnownIncident, options: ReplayOptions) -> bool:
    """Whether a page is about an incident: their times overlap, with some room on both sides, and they don't name different services."""
    return _overlaps(page.at, page.until, incident, options) and _same_service(page.services, incident)


def _overlaps(start: Instant, end: Instant | None, incident: KnownIncident, options: ReplayOptions) -> bool:
    first = incident.start - round(options.early_s * NANOSECONDS)
    last = None if incident.end is None else incident.end + round(options.late_s * NANOSECONDS)
    return (last is None or start < last) and (end is None or end > first)


def _same_service(services: Iterable[str], incident: KnownIncident) -> bool:
    named = {service for service in services if service}
    return not named or not incident.services or not named.isdisjoint(incident.services)


def _match(evidence: Evidence, options: ReplayOptions) -> _Matching:
    by_incident = [
        [index for index, page in enumerate(evidence.pages) if belongs(page, incident, options)] for incident in evidence.incidents
    ]
    return _Matching(by_incident, frozenset(index for indexes in by_incident for index in indexes))


def _incident_score(
    incident: KnownIncident, pages: Sequence[Page], evidence: Evidence, options: ReplayOptions, spent: SpentBudget | None
) -> IncidentScore:
    if not pages:
        near = tuple(_near_misses(incident, evidence, options))
        return IncidentScore(incident.name, incident.start, incident.end, 0, None, None, near_misses=near)
    first = min(page.at for page in pages)
    ends = [page.until for page in pages]
    last = None if None in ends else max(end for end in ends if end is not None)
    objectives = [incident.objective] if incident.objective else sorted({name for page in pages for name in page.objectives})
    shares = [spent(name, incident.start, max(first, incident.start)) for name in objectives] if spent is not None else []
    return IncidentScore(
        name=incident.name,
        start=incident.start,
        end=incident.end,
        pages=len(pages),
        detection_s=max(first - incident.start, 0) / NANOSECONDS,
        reset_s=None if last is None or incident.end is None else max(last - incident.end, 0) / NANOSECONDS,
        budget_spent=max((share for share in shares if share is not None), default=None),
    )


def _near_misses(incident: KnownIncident, evidence: Evidence, options: ReplayOptions) -> Iterable[str]:
    """What saw an incident and woke nobody: alerts that were kept quiet or only told, and conditions that did not hold long enough."""
    seen: set[str] = set()
    for firing in evidence.firings:
        if _overlaps(firing.start, firing.end, incident, options) and _same_service([firing.service], incident):
            seen.add(f"{firing.rule} fired and was {_WORDS[firing.told]}")
    longest: dict[str, Instant] = defaultdict(int)
    for waiting in evidence.waitings:
        if _overlaps(waiting.start, waiting.end, incident, options) and _same_service([waiting.service], incident):
            longest[waiting.rule] = max(longest[waiting.rule], waiting.end - waiting.start)
    yield from sorted(seen)
    yield from (f"{rule} held for {length // NANOSECONDS} s, not long enough to fire" for rule, length in sorted(longest.items()))


_WORDS = {
    Told.PAGED: "paged to somebody, but not as this incident's",
    Told.NOTIFIED: "told to nobody whom it wakes",
    Told.SILENCED: "silenced",
    Told.INHIBITED: "inhibited",
    Told.MUTED: "muted at that time",
    Told.UNTOLD: "over before its group was told",
}


def _rules(evidence: Evidence, matching: _Matching, options: ReplayOptions) -> tuple[RuleScore, ...]:
    firings: dict[str, list[Firing]] = defaultdict(list)
    for firing in evidence.firings:
        firings[firing.rule].append(firing)
    pages = Counter(rule for page in evidence.pages for rule in set(page.rules))
    true = Counter(rule for index, page in enumerate(evidence.pages) if index in matching.true for rule in set(page.rules))
    return tuple(
        RuleScore(
            rule=rule,
            firings=len(firings[rule]),
            pages=pages[rule],
            true_pages=true[rule],
            incidents=sum(any(_sees(one, incident, options) for one in firings[rule]) for incident in evidence.incidents),
            fired_s=sum(((one.end or evidence.over.end) - one.start) / NANOSECONDS for one in firings[rule]),
        )
        for rule in sorted(firings.keys() | pages.keys())
    )


def _sees(firing: Firing, incident: KnownIncident, options: ReplayOptions) -> bool:
    return _overlaps(firing.start, firing.end, incident, options) and _same_service([firing.service], incident)


def _people(pages: Sequence[Page], options: ReplayOptions) -> tuple[PersonScore, ...]:
    mine: dict[str, list[Page]] = defaultdict(list)
    for page in pages:
        mine[page.person].append(page)
    return tuple(_person(name, own, options) for name, own in sorted(mine.items()))


def _person(name: str, pages: Sequence[Page], options: ReplayOptions) -> PersonScore:
    local = [_local(page.at, page.time_zone or options.time_zone) for page in pages]
    nights = [night for moment in local if (night := _night(moment, options)) is not None]
    weeks = Counter(moment.isocalendar()[:2] for moment in local)
    return PersonScore(
        person=name,
        pages=len(pages),
        nights=len(set(nights)),
        night_pages=len(nights),
        worst_week=max(weeks.values(), default=0),
        weeks_over=sum(count > options.pages_per_week for count in weeks.values()),
    )


def _local(at: Instant, zone: str) -> datetime:
    where: tzinfo = UTC if zone == "UTC" else ZoneInfo(zone)
    return datetime.fromtimestamp(at // NANOSECONDS, where)


def _night(moment: datetime, options: ReplayOptions) -> int | None:
    """The day, as an ordinal, on whose evening the night began; None by day."""
    begins, ends, hour = options.night_begins, options.night_ends, moment.hour
    if begins <= ends:
        return moment.toordinal() if begins <= hour < ends else None
    if hour >= begins:
        return moment.toordinal()
    return moment.toordinal() - 1 if hour < ends else None


def _spread(lengths_s: Iterable[float | None]) -> Spread:
    known = [length for length in lengths_s if length is not None]
    return Spread(median(known), max(known)) if known else Spread()
