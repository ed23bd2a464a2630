"""`tocsin slo`: how objectives stand and what spent their budgets. Deciding about them is `tocsin.cli.slo_decisions`."""

from __future__ import annotations

import importlib
import json
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli import slo_decisions
from tocsin.cli.exit_codes import Exit
from tocsin.cli.parameters import ConfigOption, DataOption, EndOption, JsonOption, StartOption, UrlOption
from tocsin.cli.plot import area, columns, fitting
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.slo_tables import print_attribution, print_budget, print_budgets, print_history, print_ledger, show_share
from tocsin.cli.terminal import clean, console, show_instant
from tocsin.model.instant import NANOSECONDS, format_instant, parse_instant

LEDGER_SHOWN = 10  # in `show`; `ledger` lists all
PLOT_HEIGHT = 10
PLOT_WIDTH = 100
POINTS = 2000  # a window of which little is known is drawn from there on
AXIS_WIDTH = 12
KeyArgument = Annotated[str, typer.Argument(help="The objective, as the list names it.")]
AtOption = Annotated[
    str | None, typer.Option("--at", help="For which instant, in UTC: 2026-11-20T02:03:11Z, now-1d; now by default.", show_default=False)
]


def command(
    service: Annotated[str | None, typer.Option("--service", help="Only objectives of this service.", show_default=False)] = None,
    at: AtOption = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Every error budget: what is left, how fast it burns, the state of its policy.

    Burn rates are those over 5m, 1h, 6h and 3d, on a narrow terminal that over 1h. Burn rate 1 spends all of the budget in exactly one
    window; 14.4 spends that of 30 days in two.
    """
    with connect(url, data) as server:
        text = server.get("/api/slos", {"service": service, "at": at})
        if as_json:
            console().print(text)
            return
        budgets = json.loads(text)
        policies = json.loads(server.get("/api/policies"))
        problems = json.loads(server.get("/api/slo-problems"))
    out = console()
    if budgets:
        print_budgets(out, budgets, policies)
        out.print(Text(f"figures of {show_instant(budgets[0]['at'])[:19]} UTC; `tocsin slo show OBJECTIVE` tells all of one", "dim"))
    elif service is not None:
        out.print(f"no objective of {clean(service)} is defined")
    else:
        out.print("no objectives are defined; the option slo.files names the files that do, docs/slos.md explains them")
    _print_problems(out, problems)


def show(key: KeyArgument, at: AtOption = None, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """One budget whole: with and without exclusions, coverage, burn rates, policy, and what spent it."""
    path, when = _path(key), {"at": at}
    with connect(url, data) as server:
        text = server.get(path, when)
        if as_json:
            console().print(text)
            return
        objective = json.loads(server.get(f"{path}/definition"))
        policies = json.loads(server.get("/api/policies")) if at is None else []  # how a policy stood then is in the audit
        ledger = json.loads(server.get(f"{path}/ledger", when))
    out = console()
    policy = next((policy for policy in policies if policy["objective"] == key), None)
    print_budget(out, json.loads(text), objective, policy)
    out.print(Text("\nwhat spent it", "bold"))
    print_ledger(out, ledger, limit=LEDGER_SHOWN)


def burn_down(
    key: KeyArgument, at: AtOption = None, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None
) -> None:
    """How much was left of the budget over its window, as a plot of what is known of it."""
    with connect(url, data) as server:
        text = server.get(f"{_path(key)}/burn-down", {"at": at, "points": POINTS})
    out = console()
    if as_json:
        out.print(text)
        return
    print_burn_down(out, key, json.loads(text))


def history(key: KeyArgument, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None) -> None:
    """How the objective's budget policy changed its state, the newest first."""
    with connect(url, data) as server:
        text = server.get(f"{_path(key)}/policy-history")
    out = console()
    if as_json:
        out.print(text)
        return
    print_history(out, json.loads(text))


def ledger(
    key: KeyArgument, at: AtOption = None, as_json: JsonOption = False, url: UrlOption = DEFAULT_URL, data: DataOption = None
) -> None:
    """
    What consumed a budget, the dearest first.

    Deployments, maintenance, what people say (`tocsin slo mark`), and unknown; entries that are not excluded add up.
    """
    with connect(url, data) as server:
        text = server.get(f"{_path(key)}/ledger", {"at": at})
    out = console()
    if as_json:
        out.print(text)
        return
    print_ledger(out, json.loads(text))


def attribution(
    key: KeyArgument,
    start: StartOption = None,
    end: EndOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Values, at most.")] = 20,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Which routes, tenants, versions and so on stand out among the bad events.

    Of the objective's window unless --start and --end say otherwise.
    """
    with connect(url, data) as server:
        text = server.get(f"{_path(key)}/attribution", {"start": start, "end": end, "limit": limit})
    out = console()
    if as_json:
        out.print(text)
        return
    print_attribution(out, json.loads(text))


def check(
    files: Annotated[list[Path], typer.Argument(help="SLO files: OpenSLO, Sloth, Tocsin's own kinds.")],
    config: ConfigOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing when all is well.")] = False,
) -> None:
    """
    Check SLO files without a server.

    Says everything that is wrong with them at once, and what is allowed but probably not meant. They are read as one set, as the server
    reads those of `slo.files`. Exit code 1 when something is wrong.
    """
    # Only here: who asks a server must not wait for what reads files to load.
    report = importlib.import_module("tocsin.cli.slo_report")
    if not report.check_with_options(files, config, Console(highlight=False, emoji=False, soft_wrap=True, quiet=quiet)):
        raise typer.Exit(Exit.FINDING)


def print_burn_down(out: Console, key: str, points: list[dict[str, Any]]) -> None:
    """What was left, from the first instant on of which something is known."""
    known = [
        (parse_instant(point["at"]) / NANOSECONDS, point["remaining_ratio"]) for point in points if point["remaining_ratio"] is not None
    ]
    if not known:
        out.print("nothing was observed in this window")
        return
    width = fitting([known], max(20, min(PLOT_WIDTH, out.width - AXIS_WIDTH)))
    values = columns(known, start=known[0][0], end=known[-1][0], width=width)
    # The last step is shorter than the others, which leaves a column without a point: what was left stays until the next.
    lines = area(list(accumulate(values, _carried)), height=PLOT_HEIGHT)
    low, high = min(ratio for _, ratio in known), max(ratio for _, ratio in known)
    for place, line in enumerate(lines):
        edge = high if place == 0 else low if place == len(lines) - 1 else None
        out.print(Text(f"{show_share(edge) if edge is not None else '':>9} ┤{line}"), soft_wrap=True)
    first, last = (show_instant(format_instant(round(known[place][0]) * NANOSECONDS))[:16] for place in (0, -1))
    out.print(Text(f"{'':>9}  left of {clean(key)}, {first} to {last} UTC", "dim"))


def _print_problems(out: Console, problems: dict[str, list[str]]) -> None:
    for mistake in problems["mistakes"]:
        out.print(Text.assemble(("mistake: ", "bold red"), clean(mistake)))
    if problems["mistakes"]:
        out.print(Text("files with mistakes change nothing: what they said before is in force; `tocsin slo check FILE...` checks them"))
    elif problems["remarks"]:
        count = len(problems["remarks"])
        out.print(Text(f"{count} {'remark' if count == 1 else 'remarks'} on the files: `tocsin slo check FILE...` says which", "dim"))


def _carried(last: float | None, value: float | None) -> float | None:
    return last if value is None else value


def _path(key: str) -> str:
    return f"/api/slos/{quote(key, safe='/')}"


PARTS = {
    "list": command,
    "show": show,
    "burn-down": burn_down,
    "ledger": ledger,
    "attribution": attribution,
    "history": history,
    "exclude": slo_decisions.exclude,
    "exclusions": slo_decisions.exclusions,
    "mark": slo_decisions.mark,
    "marks": slo_decisions.marks,
    "exception": slo_decisions.exception,
    "exceptions": slo_decisions.exceptions,
    "withdraw": slo_decisions.withdraw,
    "audit": slo_decisions.audit,
    "check": check,
}
