"""
A guard out of what is stored: the stretch of telemetry around an incident in which a rule had to fire, with its rules.

    slice: start - lead - how far the rule looks back, to start + within + 15 m   series that rules read; spans, logs where they need them

What is stored was redacted when it came in, so a slice holds no secret that the store does not. A limit keeps slices small enough for a
repository; what does not fit is refused with what to leave out, never cut in silence.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import yaml

from tocsin.alert.definition import AlertRule, RecordingRule, Rule, RuleGroup, RuleSet
from tocsin.alert.profiles import FILE as OF_OBJECTIVES
from tocsin.errors import InvalidInput, LimitExceeded, NotFound
from tocsin.model.incident import GuardKind
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange, format_instant
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher, SeriesSource
from tocsin.model.spelling import did_you_mean
from tocsin.model.telemetry import LogRecord, Span
from tocsin.query.series.derived import NAMES, DerivedSeries
from tocsin.replay.guards.definition import FILE, LOGS_FILE, OBJECTIVES, RULES, SERIES_FILE, SPANS_FILE, TELEMETRY, FrozenGuard
from tocsin.replay.guards.otlp_lines import log_lines, span_lines
from tocsin.replay.guards.series_lines import series_lines
from tocsin.replay.rule_reach import Reach, reach_of_recordings, recorded_names, together

NS_PER_MS = 1_000_000
SAMPLES_MAX = 50_000_000
LATE_NS = 15 * 60 * NANOSECONDS  # what follows is kept, too: it shows how late a rule would be that got worse
LEAD_S = 600.0  # how long before the start rules are evaluated at least
CONTEXT_S_MAX = 6 * 3600.0  # how far back a slice goes for windows that look back farther, unless asked


class SliceSource(Protocol):
    """Where a slice comes from."""

    @property
    def series(self) -> SeriesSource:
        """Series that were sent."""
        ...

    def spans(self, within: TimeRange, services: Sequence[str]) -> Iterator[Span]:
        """Spans of a range, oldest first; of all services when none is named."""
        ...

    def logs(self, within: TimeRange, services: Sequence[str]) -> Iterator[LogRecord]:
        """Log records of a range, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class FreezeRequest:
    """
    What to freeze.

    Args:
        name: Of the guard; a directory is called so.
        rule: Name of the alert.
        start: When the incident began; of a quiet stretch, its beginning.
        within_s: How soon it must fire, seconds; 0 for a quiet stretch.
        end: The end of a quiet stretch.
        incident: Where it came from.
        signature: The failure that it knows.
        labels: That the alert must have beside others: one name serves many objectives.
        services: Whose spans and logs are kept; none: everybody's.
        context_s: How far back the slice goes before rules are evaluated, seconds; None: as far as they look, six hours at most.
        rule_files: How `guard.yaml` names the rules; none: copies of their files are put beside it.
        objectives: How it names files with objectives.
        description: For people.
        size_bytes_max: Largest slice, uncompressed.
    """

    name: str
    rule: str
    start: Instant
    within_s: float = 0.0
    end: Instant = 0
    incident: str = ""
    signature: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    context_s: float | None = None
    rule_files: tuple[str, ...] = ()
    objectives: tuple[str, ...] = ()
    description: str = ""
    size_bytes_max: int = 64_000_000

    @property
    def kind(self) -> GuardKind:
        """What the guard will hold."""
        return GuardKind.MUST_FIRE if self.within_s else GuardKind.MUST_NOT_FIRE

    @property
    def until(self) -> Instant:
        """The last instant at which the rule is looked at."""
        return self.start + round(self.within_s * NANOSECONDS) if self.within_s else self.end


@dataclass(slots=True)
class _Sizes:
    """Counts what goes into a slice."""

    limit: int
    size_bytes: int = 0
    records: dict[str, int] = field(default_factory=dict)

    def counted(self, name: str, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Lines on their way into a file."""
        for line in lines:
            self.size_bytes += len(line)
            if self.size_bytes > self.limit:
                raise LimitExceeded(
                    f"the slice is larger than {self.limit / 1e6:g} MB (replay.slice_mb_max); name the services whose telemetry it needs,"
                    " ask for less context, or for a shorter stretch"
                )
            self.records[name] = self.records.get(name, 0) + 1
            yield line


def freeze(request: FreezeRequest, rules: RuleSet, source: SliceSource, *, objective_files: Sequence[Path] = ()) -> FrozenGuard:
    """
    Make a guard.

    Args:
        request: What to freeze.
        rules: All rules in force.
        source: Where the slice comes from.
        objective_files: Files with objectives; copied beside it when the rule needs any and the request names none.

    Raises:
        NotFound: No rule is called so.
        InvalidInput: The stretch is empty.
        LimitExceeded: The slice would be too large.
    """
    if request.until <= request.start:
        raise InvalidInput("a guard needs some time: within above nought, or an end after the start of a quiet stretch")
    wanted, files = _rules_for(request.rule, rules)
    reach = together(wanted)
    lead_s = max([LEAD_S, *(2 * rule.for_s + 60 for rule in wanted if isinstance(rule, AlertRule))])
    back_s = max(reach.back_s, reach_of_recordings(wanted))
    context_s = min(back_s, CONTEXT_S_MAX) if request.context_s is None else request.context_s
    evaluate_from = request.start - round(lead_s * NANOSECONDS)
    after_ns = LATE_NS if request.kind is GuardKind.MUST_FIRE else 0
    stretch = TimeRange(evaluate_from - round(context_s * NANOSECONDS), request.until + after_ns + 1)
    remarks = [f"rules look back {back_s:g} s, the slice {context_s:g} s"] if context_s < back_s else []
    sizes = _Sizes(request.size_bytes_max)
    contents = _telemetry(request, reach, wanted, stretch, source, sizes)
    if not contents:
        remarks.append("no telemetry was found for this rule in this stretch")
    copied = _copies(RULES, files) if not request.rule_files else {}
    objectives = _copies(OBJECTIVES, objective_files) if reach.objectives and not request.objectives else {}
    contents |= copied | objectives
    remarks += [f"{path} is no file here; name the rules in {FILE}" for path in files if not request.rule_files and not path.is_file()]
    contents[FILE] = _guard_yaml(request, request.rule_files or tuple(copied), request.objectives or tuple(objectives), evaluate_from)
    return FrozenGuard(request.name, contents, request.kind, request.signature, sizes.records, sizes.size_bytes, tuple(remarks))


def write_guard(guard: FrozenGuard, into: Path) -> Path:
    """
    Put a guard's files into a folder of its name; returns that folder.

    Raises:
        InvalidInput: The folder is there already, or can't be written.
    """
    folder = into / guard.name
    if folder.exists():
        raise InvalidInput(f"{folder} is there already; choose another name, or take it away")
    try:
        for name, content in guard.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise InvalidInput(f"{folder} can't be written: {error.strerror}") from error
    return folder


def _rules_for(name: str, rules: RuleSet) -> tuple[list[Rule], list[Path]]:
    """The rule with those that record what it reads, and their files."""
    alerts = [rule for group in rules.groups for rule in group.rules if isinstance(rule, AlertRule)]
    if name not in {rule.name for rule in alerts}:
        raise NotFound(f"no rule is called {name!r}{did_you_mean(name, sorted({rule.name for rule in alerts}))}")
    makers = {rule.name: (group, rule) for group in rules.groups for rule in group.rules if isinstance(rule, RecordingRule)}
    found: dict[int, Rule] = {}
    files: dict[str, None] = {}
    waiting: list[tuple[RuleGroup, Rule]] = [
        (group, rule) for group in rules.groups for rule in group.rules if isinstance(rule, AlertRule) and rule.name == name
    ]
    while waiting:
        group, rule = waiting.pop()
        if id(rule) not in found:
            found[id(rule)] = rule
            files[group.file] = None
            waiting += [makers[metric] for metric in together([rule]).names if metric in makers]
    return list(found.values()), [Path(file) for file in files if file != OF_OBJECTIVES]


def _telemetry(
    request: FreezeRequest, reach: Reach, rules: Sequence[Rule], stretch: TimeRange, source: SliceSource, sizes: _Sizes
) -> dict[str, bytes]:
    """Files of telemetry, by path; only those with something in them."""
    recorded = recorded_names(rules)
    selectors = [matchers for matchers in reach.selectors if not any(one.name == "__name__" and one.value in recorded for one in matchers)]
    derived = any(DerivedSeries.names(matchers) for matchers in selectors)
    made: dict[str, bytes] = {}
    for name, wanted, lines in (
        (SERIES_FILE, bool(selectors), _series(selectors, stretch, source.series)),
        (SPANS_FILE, reach.spans or derived, span_lines(source.spans(stretch, request.services))),
        (LOGS_FILE, reach.logs or derived, log_lines(source.logs(stretch, request.services))),
    ):
        if wanted and (content := _compressed(sizes.counted(name, lines))):
            made[f"{TELEMETRY}/{name}"] = content
    return made


def _series(selectors: Sequence[Sequence[Matcher]], stretch: TimeRange, series: SeriesSource) -> Iterator[bytes]:
    """Lines of all series that selectors find, each once."""
    seen: set[Labels] = set()
    start_ms, end_ms = stretch.start // NS_PER_MS, stretch.end // NS_PER_MS
    for matchers in selectors:
        found: set[Labels] = set()
        for batch in series.select(matchers, start_ms, end_ms, samples_max=SAMPLES_MAX):
            # What is derived from spans and logs will be derived from theirs again.
            made = {labels for labels in batch.labels if labels.metric in NAMES}
            yield from series_lines([batch], without=seen | made)
            found.update(batch.labels)
        seen |= found


def _compressed(lines: Iterator[bytes]) -> bytes:
    """Lines as a gzip file, the same for the same lines; empty for none."""
    buffer = io.BytesIO()
    found = False
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as file:
        for line in lines:
            found = True
            file.write(line)
    return buffer.getvalue() if found else b""


def _copies(folder: str, files: Sequence[Path]) -> dict[str, bytes]:
    """Files as they lie, by their path in the guard; two of one name are told apart by number."""
    found: dict[str, bytes] = {}
    for path in files:
        if path.is_file():
            number = sum(name.endswith(f"/{path.name}") for name in found)
            found[f"{folder}/{number or ''}{path.name}"] = path.read_bytes()
    return found


def _guard_yaml(request: FreezeRequest, rules: Sequence[str], objectives: Sequence[str], evaluate_from: Instant) -> bytes:
    content: dict[str, object] = {"kind": request.kind.value}
    texts: Mapping[str, str] = {"description": request.description, "incident": request.incident, "signature": request.signature}
    content |= {name: text for name, text in texts.items() if text}
    content["rule"] = request.rule
    if request.labels:
        content["labels"] = dict(request.labels)
    content["rules"] = list(rules)
    if objectives:
        content["objectives"] = list(objectives)
    content["start"] = _time(request.start)
    if request.kind is GuardKind.MUST_FIRE:
        content["within"] = f"{request.within_s:g}s"
    else:
        content["end"] = _time(request.end)
    content["evaluate_from"] = _time(evaluate_from)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=140).encode()


def _time(at: Instant) -> str:
    text = format_instant(at)
    return text.replace(".000000000Z", "Z")
