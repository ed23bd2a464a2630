"""
Rules that follow their files and the objectives: read at start, read again when a file or an objective changes.

A file with a mistake never takes the place of its last good version: what it said then is evaluated on, and its mistakes are shown until
they are mended. A file that is gone is gone. At a start there is no good version: a file with mistakes gives no rules then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tocsin.alert.definition import AlertRule, RuleSet
from tocsin.alert.files.conditions import Known
from tocsin.alert.files.lint import Finding, Level
from tocsin.alert.files.reading import FileRules, read_one
from tocsin.alert.files.rule_set import CheckedRules, assemble
from tocsin.alert.options import AlertOptions
from tocsin.clock import Clock
from tocsin.query.followed_files import GONE, Stamp, stamp_of
from tocsin.query.promql.options import PromqlOptions, RuleOptions
from tocsin.slo.definition import Objective


@dataclass(frozen=True, slots=True)
class RuleFileStatistics:
    """
    Rule files, as they stand.

    Args:
        files: Gauge: files that the patterns match.
        groups: Gauge: groups in force, those of objectives among them.
        alert_rules: Gauge: alerting rules in force.
        recording_rules: Gauge: recording rules in force.
        mistakes: Gauge: mistakes in the files as they are now; above 0 older rules are in force, or a part of them.
        lint_errors: Gauge: errors that `tocsin rules lint` would say of the rules in force.
        lint_warnings: Gauge: warnings that it would say.
        reads: Times that a file was read.
        failed_reads: Times that a file that was read had mistakes.
        age_s: Gauge: seconds since the rules in force came into force.
    """

    files: int = 0
    groups: int = 0
    alert_rules: int = 0
    recording_rules: int = 0
    mistakes: int = 0
    lint_errors: int = 0
    lint_warnings: int = 0
    reads: int = 0
    failed_reads: int = 0
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it was read last, and the last time that it had no mistakes."""

    stamp: Stamp
    now: FileRules
    good: FileRules | None


class LiveRules:
    """
    The rules of files that patterns match, with those of objectives. Safe to use from several threads.

    Args:
        files: Patterns of paths.
        objectives: What is in force, by key; asked at every refresh.
        options: Interval, burn-rate profile, floor of bad events.
        promql: What is switched on.
        clock: For the age of what is in force.
    """

    def __init__(
        self,
        files: RuleOptions,
        objectives: Callable[[], Mapping[str, Objective]],
        options: AlertOptions,
        promql: PromqlOptions,
        *,
        clock: Clock,
    ) -> None:
        self._files = files
        self._objectives = objectives
        self._options = options
        self._promql = promql
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Path, _File] = {}
        self._about: Mapping[str, Objective] | None = None
        self._checked = CheckedRules()
        self._reads = self._failed_reads = 0
        self._since_s = clock.monotonic_s()
        self.refresh()

    @property
    def current(self) -> RuleSet:
        """What is in force."""
        return self._checked.rules

    @property
    def checked(self) -> CheckedRules:
        """What is in force, with what lint says of it."""
        return self._checked

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What is wrong with the files as they are now."""
        return self._checked.rules.mistakes

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What lint says of the rules in force."""
        return self._checked.findings

    def refresh(self) -> bool:
        """Look whether files or objectives changed, and read them if so; True when other rules came into force."""
        with self._lock:
            objectives = dict(self._objectives())
            # Rules refer to objectives, so that all are read again when those change.
            afresh = objectives != self._about
            known = {path: self._read(path, objectives, afresh=afresh) for path in dict.fromkeys(self._files.paths())}
            if not afresh and known == self._known:
                return False
            self._about, self._known = objectives, known
            checked = assemble([_in_force(one) for one in known.values()], objectives, self._options)
            changed = checked.rules.groups != self._checked.rules.groups
            self._checked = checked
            if changed:
                self._since_s = self._clock.monotonic_s()
            return changed

    def _read(self, path: Path, objectives: Mapping[str, Objective], *, afresh: bool) -> _File:
        """A file as it stands; what was read before when neither it nor the objectives changed."""
        before, stamp = self._known.get(path), stamp_of(path)
        if before is not None and before.stamp == stamp and not afresh:
            return before
        self._reads += 1
        known = Known(objectives, self._promql, self._options.bad_events_min)
        now = read_one(path, known, interval_s=self._options.interval_s)
        self._failed_reads += bool(now.mistakes)
        last_good = before.good if before is not None and stamp != GONE else None
        return _File(stamp, now, last_good if now.mistakes else now)

    def statistics(self) -> RuleFileStatistics:
        """How it stands; it does not wait for files that are being read."""
        checked = self._checked
        rules = [rule for group in checked.rules.groups for rule in group.rules]
        alerts = sum(isinstance(rule, AlertRule) for rule in rules)
        errors = sum(finding.level is Level.ERROR for finding in checked.findings)
        return RuleFileStatistics(
            files=len(self._known),
            groups=len(checked.rules.groups),
            alert_rules=alerts,
            recording_rules=len(rules) - alerts,
            mistakes=len(checked.rules.mistakes),
            lint_errors=errors,
            lint_warnings=len(checked.findings) - errors,
            reads=self._reads,
            failed_reads=self._failed_reads,
            age_s=self._clock.monotonic_s() - self._since_s,
        )


def _in_force(one: _File) -> FileRules:
    """A file's last good rules, with what is wrong with it now."""
    if not one.now.mistakes or one.good is None:
        return one.now
    return replace(one.good, mistakes=one.now.mistakes)
