"""
Alerts on causes against alerts on symptoms, over the same four simulated weeks.

One team is paged when a machine is busy (CPU, memory or disk above 90 %), the other when users are served badly (errors that burn the
budget). Both go the whole way: rule, group, route, the person on call. The weeks have real incidents, and harmless peaks of the CPU.

Takeaway: a cause tells what may be wrong, a symptom that something is. Page on symptoms; let causes open tickets.
"""

from __future__ import annotations

from collections.abc import Callable

from tocsin.clock import RealClock
from tocsin.replay.comparison import compare_cause_and_symptom, table_of

WEEKS = 4
NAME_WIDTH = 34


def main(say: Callable[[str], None] = print) -> None:
    """Run the lab; `say` takes each line that it shows."""
    cause, symptom = compare_cause_and_symptom(WEEKS, clock=RealClock())
    say(f"==== {WEEKS} WEEKS ON CALL: paged by causes, paged by symptoms ====")
    say(f"  {'':<{NAME_WIDTH}}{'by cause':>10}{'by symptom':>12}")
    for line in table_of([cause, symptom]):
        first, second = line.values
        say(f"  {line.name:<{NAME_WIDTH}}{first:>10}{second:>12}")
