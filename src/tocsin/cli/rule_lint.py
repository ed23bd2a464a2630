"""What `tocsin rules lint` and `tocsin rules profiles` print, worked out in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tocsin.alert.files.rule_set import read_rule_set
from tocsin.alert.profiles import DAY_S, PROFILES
from tocsin.alert.rule_views import RuleProblems, problems_of
from tocsin.app.option_sources import load
from tocsin.app.options import environment
from tocsin.clock import RealClock
from tocsin.slo.files.live import LiveDefinitions
from tocsin.slo.words import duration_words

MONTH_S = 30 * DAY_S


@dataclass(frozen=True, slots=True)
class LintReport:
    """
    What is wrong with rules.

    Args:
        problems: Mistakes of rule files and SLO files, and findings.
        rules: How many rules were looked at.
    """

    problems: RuleProblems
    rules: int

    @property
    def failed(self) -> bool:
        """Whether a file has mistakes, or a rule an error."""
        return self.problems.failed

    def json(self) -> str:
        """As the API says it."""
        return TypeAdapter(RuleProblems).dump_json(self.problems).decode()


def problems_with_options(files: Sequence[Path], slo_files: Sequence[Path], config: Path | None) -> LintReport:
    """
    What is wrong with rule files, by the configuration (a file, and the environment).

    Args:
        files: Rule files; those of `rules.files` when there are none.
        slo_files: Files of the objectives that rules rest on; those of `slo.files` when there are none.
        config: The configuration's file.
    """
    options = load(file=config, environment=environment())
    live = LiveDefinitions([str(path) for path in slo_files] or options.slo.files, options.promql, RealClock())
    checked = read_rule_set(list(files) or options.rules.paths(), live.current.objectives, options.alert, options.promql)
    problems = problems_of(checked)
    if live.mistakes:
        mistakes = [*map(str, live.mistakes), *problems.mistakes]
        problems = RuleProblems(mistakes, problems.findings, failed=True)
    return LintReport(problems, sum(len(group.rules) for group in checked.rules.groups))


def profiles() -> list[dict[str, Any]]:
    """Every burn-rate profile with its steps for a window of 30 days."""
    return [
        {
            "name": profile.name,
            "text": profile.text,
            "steps": [
                {
                    **asdict(step),
                    "factor": round(step.factor(MONTH_S), 2),
                    "long": duration_words(step.long_s),
                    "short": duration_words(step.short_s),
                }
                for step in profile.steps
            ],
        }
        for profile in PROFILES.values()
    ]
