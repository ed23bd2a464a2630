"""
Budgets, ledgers and decisions as tables and sentences, out of the API's JSON.

    objective              service   target  left                 1h     6h     3d     state
    checkout-availability  checkout  99.9 %  ███████▊··   76.9 %  0.4x   0.6x   0.8x   healthy

Colours follow what may be deployed; every figure and word is there without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, is_narrow, service_text, show_instant

BAR_CELLS = 10
ROOMY_FROM = 160  # columns
EIGHTHS = " ▏▎▍▌▋▊▉"
FULL, EMPTY = "█", "·"
STATE_STYLES = {"all": "green", "canary": "yellow", "fixes": "red", "none": "bold red"}  # by what may be deployed
VERDICT_WORDS = {"met": "met", "breached": "breached", "no_data": "no data"}
FAST_BURN = 14.4  # drawn red: gone in two days of a 30-day window
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
NARROW_WINDOWS_S = (HOUR_S,)
WINDOWS_S = (300, HOUR_S, 6 * HOUR_S, 3 * DAY_S)
DEPLOYS_WORDS = {
    "all": "everything may be deployed",
    "canary": "deploy behind a canary",
    "fixes": "only fixes may be deployed",
    "none": "nothing may be deployed",
}


def print_budgets(out: Console, budgets: Sequence[Mapping[str, Any]], policies: Sequence[Mapping[str, Any]]) -> None:
    """
    One line per objective; a narrow terminal has room for what is left, one burn rate and the state.

    A wide one says all budgets in words; others only those that are not as they should be, below the table.
    """
    states = {policy["objective"]: policy for policy in policies}
    narrow, roomy = is_narrow(out), out.width >= ROOMY_FROM
    windows = NARROW_WINDOWS_S if narrow else WINDOWS_S
    columns = [Column("objective", shrinks=True)]
    if not narrow:
        columns += [Column("service", shrinks=True), Column("target", right=True)]
    columns += [Column(""), Column("left", right=True)]
    columns += [*(Column(window_name(window_s), right=True) for window_s in windows), Column("state")]
    if roomy:
        columns.append(Column("in words", shrinks=True))
    rows: list[list[Text | str]] = []
    for budget in budgets:
        policy = states.get(budget["objective"])
        figures = budget["figures"]
        style = _style(budget, policy)
        row: list[Text | str] = [Text(clean(budget["objective"]), "bold")]
        if not narrow:
            row += [service_text(budget["service"]), show_target(budget["target"])]
        row += [Text(bar(figures["remaining_ratio"]), style), Text(_left(figures["remaining_ratio"]), style)]
        rates = {burn["window_s"]: burn["rate"] for burn in budget["burn_rates"]}
        row += [burn_text(rates.get(window_s)) for window_s in windows]
        row.append(Text(_state(budget, policy), style))
        if roomy:
            row.append(clean(budget["sentence"]))
        rows.append(row)
    print_table(out, columns, rows)
    for budget in budgets:
        if not roomy and _wants_attention(budget, states.get(budget["objective"])):
            _line(out, Text.assemble((clean(budget["objective"]), _style(budget, None) or "bold"), f": {clean(budget['sentence'])}"))


def print_history(out: Console, transitions: Sequence[Mapping[str, Any]]) -> None:
    """States of a policy, the newest first."""
    if not transitions:
        _line(out, Text("no state was written down yet"))
        return
    rows: list[list[Text | str]] = [
        [
            show_instant(one["at"])[:19],
            Text(f"{clean(one['previous'])} -> {clean(one['state'])}" if one["previous"] else clean(one["state"]), "bold"),
            show_share(one["remaining_ratio"]),
            clean(one["policy"]),
        ]
        for one in transitions
    ]
    print_table(out, [Column("since"), Column("state"), Column("left", right=True), Column("policy", shrinks=True)], rows)


def print_budget(out: Console, budget: Mapping[str, Any], objective: Mapping[str, Any], policy: Mapping[str, Any] | None) -> None:
    """Everything about one budget but what consumed it."""
    head = Text.assemble((clean(budget["objective"]), "bold"), "  of ", service_text(budget["service"]))
    if objective["title"] and objective["title"] != budget["objective"]:
        head.append(f"  {clean(objective['title'])}")
    _line(out, head)
    _line(out, Text(f"{show_target(budget['target'])} over {clean(objective['window'])}: {clean(objective['indicator'])}"))
    for name in ("owner", "runbook", "place"):
        if objective[name]:
            _line(out, Text.assemble((f"{name} ", "dim"), clean(objective[name])))
    if objective["dependencies"]:
        _line(out, Text.assemble(("depends on ", "dim"), ", ".join(clean(name) for name in objective["dependencies"])))
    _line(out, Text(""))
    _line(out, Text(clean(budget["sentence"]), _style(budget, policy)))
    _line(out, Text(""))
    _print_figures(out, budget)
    _line(out, Text(""))
    _print_coverage(out, budget)
    _line(out, Text(""))
    _print_burn_rates(out, budget)
    if policy is not None:
        words = DEPLOYS_WORDS.get(policy["deploys"], policy["deploys"])
        since = show_instant(policy["since"])[:19]
        state = Text.assemble("policy ", clean(policy["policy"]), ": ", (clean(policy["state"]), _style(budget, policy)))
        _line(out, Text(""))
        _line(out, state.append(f", {clean(words)}, since {since} UTC. {clean(policy['text'])}"))


def print_ledger(out: Console, ledger: Mapping[str, Any], *, limit: int | None = None) -> None:
    """What consumed the budget, the dearest first; what was excluded is dimmed and says so."""
    entries = ledger["entries"]
    if not entries:
        _line(out, Text("nothing was spent"))
        return
    narrow = is_narrow(out)
    columns = [Column("kind"), Column("cause", shrinks=True), Column("from")]
    if not narrow:
        columns.append(Column("until"))
    columns += [Column(ledger["unit"], right=True), Column("minutes", right=True), Column("of budget", right=True)]
    if not narrow:
        columns.append(Column("how it is known", shrinks=True))
    rows = []
    for entry in entries[:limit]:
        style = "dim" if entry["excluded"] else ""
        kind = f"{entry['kind']} (excluded)" if entry["excluded"] else entry["kind"]
        times = [show_instant(entry[edge], short=True)[:11] for edge in (("start",) if narrow else ("start", "end"))]
        cells = [kind, clean(entry["cause"]) or "-", *times, show_count(entry["bad"]), show_minutes(entry["minutes"])]
        cells.append(show_share(entry["share"]))
        rows.append([Text(cell, style) for cell in (*cells, *(() if narrow else (clean(entry["detail"]),)))])
    print_table(out, columns, rows)
    if limit is not None and len(entries) > limit:
        name = clean(ledger["objective"])
        _line(out, Text(f"and {len(entries) - limit} smaller ones; `tocsin slo ledger {name}` lists all", "dim"))
    _line(out, Text(f"together {show_count(ledger['bad'])} {ledger['unit']}, excluded ones left out", "dim"))


def print_attribution(out: Console, attribution: Mapping[str, Any]) -> None:
    """The values that stand out, and how much of the failures and of all events they are."""
    _line(out, Text(clean(attribution["sentence"])))
    since = show_instant(attribution["start"])[:19]
    _line(out, Text(f"{show_count(attribution['bad'])} bad of {show_count(attribution['total'])} events since {since} UTC", "dim"))
    if not attribution["values"]:
        return
    columns = [Column("attribute", shrinks=True), Column("value", shrinks=True)]
    columns += [Column(name, right=True) for name in ("bad", "of all bad", "of all events", "its own bad")]
    rows: list[list[Text | str]] = [
        [
            clean(value["key"]),
            Text(clean(value["value"]), "bold"),
            show_count(value["bad"]),
            show_share(value["bad_share"]),
            show_share(value["total_share"]),
            show_share(value["bad_ratio"]),
        ]
        for value in attribution["values"]
    ]
    print_table(out, columns, rows)


def bar(ratio: float | None) -> str:
    """Ten cells, full for a whole budget: 0.769 is `███████▊··`; all dots when it is spent, blanks when nothing is known."""
    if ratio is None:
        return " " * BAR_CELLS
    eighths = round(min(1.0, max(0.0, ratio)) * BAR_CELLS * 8)
    if ratio > 0 and eighths == 0:
        eighths = 1  # a little is not nothing
    whole, part = divmod(eighths, 8)
    drawn = FULL * whole + (EIGHTHS[part] if part else "")
    return drawn.ljust(BAR_CELLS, EMPTY)


def burn_text(rate: float | None) -> Text:
    """`0.4x`, `14.4x`, `333x`: red where a page would go out, yellow where the budget does not last; a dash without events."""
    if rate is None:
        return Text("-", "dim")
    style = "bold red" if rate >= FAST_BURN else "yellow" if rate > 1 else ""
    return Text(f"{rate:.0f}x" if rate >= 100 else f"{rate:.1f}x", style)


def window_name(window_s: int) -> str:
    """`300` as `5m`, `3600` as `1h`, `259200` as `3d`."""
    for size_s, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "m")):
        if window_s % size_s == 0:
            return f"{window_s // size_s}{unit}"
    return f"{window_s}s"


def show_target(target: float) -> str:
    """`0.9995` as `99.95 %`: all its digits."""
    return f"{target * 100:.10g} %"


def show_sli(sli: float | None) -> str:
    """A share of good events with the digits that matter near 1."""
    return "-" if sli is None else f"{sli * 100:.4f} %"


def show_share(share: float | None) -> str:
    """`0.25` as `25.0 %`, small ones with two digits that say something."""
    if share is None:
        return "-"
    percent = share * 100
    return f"{percent:.1f} %" if abs(percent) >= 0.1 or percent == 0 else f"{percent:.2g} %"


def show_count(count: float | None) -> str:
    """`12,345`; what is no whole number with one decimal."""
    if count is None:
        return "-"
    return f"{count:,.0f}" if abs(count - round(count)) < 0.05 or abs(count) >= 10_000 else f"{count:,.1f}"


def show_minutes(minutes: float | None) -> str:
    """`33.2`; small ones with two digits that say something."""
    if minutes is None:
        return "-"
    return f"{minutes:,.1f}" if abs(minutes) >= 0.1 or minutes == 0 else f"{minutes:.2g}"


def _print_figures(out: Console, budget: Mapping[str, Any]) -> None:
    """The figures as they count, and, where something is excluded, as they would be otherwise."""
    figures, without = budget["figures"], budget["without_exclusions"]
    both = figures != without
    columns = [Column(f"in {figures['unit']}"), Column("counted", right=True)]
    if both:
        columns.append(Column("had nothing been excluded", right=True))
    rows: list[list[Text | str]] = []
    for name, show in _FIGURES:
        cells = [show(one) for one in ((figures, without) if both else (figures,))]
        rows.append([Text(name, "dim"), *cells])
    print_table(out, columns, rows)


def _print_coverage(out: Console, budget: Mapping[str, Any]) -> None:
    coverage = budget["coverage"]
    span = f"{show_instant(budget['window_start'])[:16]} to {show_instant(budget['window_end'])[:16]} UTC"
    _line(out, Text.assemble(("window ", "dim"), f"{span}; figures of {show_instant(budget['at'])[:19]} UTC"))
    if coverage["known_from"] is None:
        _line(out, Text.assemble(("coverage ", "dim"), "nothing of the window was counted yet"))
    else:
        known = f"{show_share(coverage['ratio'])} known ({coverage['known_minutes']:,} of {coverage['elapsed_minutes']:,} minutes passed"
        rest = f", events in {coverage['observed_minutes']:,}), since {show_instant(coverage['known_from'])[:16]} UTC"
        _line(out, Text.assemble(("coverage ", "dim"), (known + rest, "yellow" if coverage["ratio"] < 0.995 else "")))
    if budget["excluded_minutes"]:
        _line(out, Text.assemble(("excluded ", "dim"), f"{budget['excluded_minutes']:,} minutes; `tocsin slo exclusions` says why"))


def _print_burn_rates(out: Console, budget: Mapping[str, Any]) -> None:
    names = ("over the last", "burn rate", "bad", "total", "known")
    columns = [Column(name, right=index > 0) for index, name in enumerate(names)]
    rows: list[list[Text | str]] = [
        [
            window_name(burn["window_s"]),
            burn_text(burn["rate"]),
            show_count(burn["bad"]),
            show_count(burn["total"]),
            show_share(burn["coverage"]),
        ]
        for burn in budget["burn_rates"]
    ]
    print_table(out, columns, rows)


def _style(budget: Mapping[str, Any], policy: Mapping[str, Any] | None) -> str:
    if budget["verdict"] == "no_data":
        return "dim"
    if budget["verdict"] == "breached":
        return "bold red"
    return STATE_STYLES.get(policy["deploys"], "") if policy else ""


def _wants_attention(budget: Mapping[str, Any], policy: Mapping[str, Any] | None) -> bool:
    return bool(budget["verdict"] == "breached" or (budget["verdict"] == "met" and policy is not None and policy["deploys"] != "all"))


def _state(budget: Mapping[str, Any], policy: Mapping[str, Any] | None) -> str:
    if budget["verdict"] == "no_data" or policy is None:
        return VERDICT_WORDS.get(budget["verdict"], clean(budget["verdict"]))
    return clean(policy["state"])


def _left(ratio: float | None) -> str:
    return show_share(ratio)


def _line(out: Console, text: Text) -> None:
    out.print(text)


_FIGURES: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("good share", lambda figures: show_sli(figures["sli"])),
    ("total", lambda figures: show_count(figures["total"])),
    ("bad", lambda figures: show_count(figures["bad"])),
    ("allowed bad", lambda figures: show_count(figures["allowed"])),
    ("left", lambda figures: f"{show_count(figures['remaining'])} = {show_share(figures['remaining_ratio'])}"),
    ("consumed", lambda figures: show_share(figures["consumed_ratio"])),
    ("budget, minutes", lambda figures: show_minutes(figures["budget_minutes"])),
    ("consumed, minutes", lambda figures: show_minutes(figures["consumed_minutes"])),
    ("left, minutes", lambda figures: show_minutes(figures["remaining_minutes"])),
)
