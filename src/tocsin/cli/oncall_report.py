"""On-call files checked without a server: what is wrong, and when nobody would be on call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tocsin.clock import RealClock
from tocsin.model.instant import format_instant
from tocsin.oncall.files.plan import read_plan
from tocsin.oncall.roster import DAY, Roster
from tocsin.slo.files.notes import DefinitionMistakes


def problems_of(files: Sequence[Path], days: int) -> dict[str, Any]:
    """The same that `/api/oncall/problems` answers, for files; gaps in the next so many days."""
    try:
        plan = read_plan(files)
    except DefinitionMistakes as error:
        return {"mistakes": [str(mistake) for mistake in error.mistakes], "remarks": [], "gaps": [], "unreachable": []}
    now = RealClock().now_ns()
    gaps = [
        {"schedule": gap.schedule, "start": format_instant(gap.start), "end": format_instant(gap.end)}
        for name in plan.schedules
        for gap in Roster(plan).gaps(name, now, now + days * DAY)
    ]
    return {"mistakes": [], "remarks": list(plan.remarks), "gaps": gaps, "unreachable": []}
