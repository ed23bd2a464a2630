"""Backtests and guards over one data directory, wired."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tocsin.alert.definition import RuleSet
from tocsin.alert.files.conditions import Known
from tocsin.alert.files.reading import read_rule_files
from tocsin.app.alerting import Alerting, evaluators_of
from tocsin.app.judging import Judging
from tocsin.app.options import Options
from tocsin.clock import Clock
from tocsin.model.alert import Silence
from tocsin.model.instant import TimeRange
from tocsin.query.desk import Desk
from tocsin.query.followed_files import files_of
from tocsin.replay.backtest import Ground
from tocsin.replay.budgets import Budgets
from tocsin.replay.desk import ReplayDesk, ReplayParts
from tocsin.replay.evidence import KnownIncident
from tocsin.replay.guards.stored_slice import StoredSlice
from tocsin.replay.options import ReplayOptions
from tocsin.replay.recorded_incidents import known_incidents
from tocsin.slo.files.notes import DefinitionMistakes
from tocsin.state.state import State

INCIDENTS_MAX = 10_000


def replay_desk(
    options: Options, replay: ReplayOptions, *, state: State, desk: Desk, judging: Judging, alerting: Alerting, clock: Clock
) -> ReplayDesk:
    """
    The desk of replays.

    Args:
        options: The tree.
        replay: Of replays.
        state: Incidents and silences.
        desk: Telemetry.
        judging: Objectives.
        alerting: What is in force.
        clock: The present.
    """
    budgets = Budgets(lambda: judging.definitions.current.objectives, judging.counts, judging.slos.decisions.exclusions)

    def read_rules(paths: Sequence[Path]) -> RuleSet:
        """Files alone: what objectives bring by themselves is in force whatever is tried, and would hide what the files do."""
        known = Known(judging.definitions.current.objectives, options.promql, options.alert.bad_events_min)
        files = read_rule_files(paths, known, interval_s=options.alert.interval_s)
        if mistakes := [mistake for file in files for mistake in file.mistakes]:
            raise DefinitionMistakes(mistakes)
        return RuleSet(tuple(group for file in files for group in file.groups))

    def incidents(over: TimeRange) -> Sequence[KnownIncident]:
        return known_incidents(state.incidents.list(start=over.start, end=over.end, limit=INCIDENTS_MAX))

    def silences() -> Sequence[Silence]:
        return state.alerting.silences.list()

    return ReplayDesk(
        ReplayParts(
            ground=Ground(
                source=desk.metrics.catalog,
                evaluators_on=lambda promql: evaluators_of(promql, options, desk=desk, judging=judging, clock=clock),
                clock=clock,
                promql=options.promql,
                options=replay,
                spent=budgets.spent,
            ),
            slices=StoredSlice(desk.metrics.catalog, desk.reading),
            rules=lambda: alerting.rules.current,
            read_rules=read_rules,
            objective_files=lambda: files_of(options.slo.files)[0],
            config=lambda: alerting.routing.config,
            roster=alerting.responding.oncall.roster,
            silences=silences,
            incidents=incidents,
            significant=budgets.significant,
        )
    )
