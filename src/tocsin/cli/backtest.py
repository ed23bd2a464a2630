"""`tocsin backtest`: rules over a stretch of the past, from telemetry to the people who would have been woken."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from tocsin.cli.parameters import DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, Refused, Server, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, service_text, show_instant
from tocsin.errors import NotFound
from tocsin.model.instant import NANOSECONDS, format_instant, parse_duration_ns, parse_instant
from tocsin.replay.report_lines import differences_of, length_text, lines_of, share_text

PATH = "/api/backtest"
POLL_S = 0.2
RECORDED = "recorded"
SHOWN = 10  # pages for nothing, and incidents that were missed, of each report

RulesArgument = Annotated[list[Path] | None, typer.Argument(help="Files with rules; those in force by default.", show_default=False)]


def command(
    rules: RulesArgument = None,
    over: Annotated[str, typer.Option("--over", help="How far back: 30d, 12h.")] = "30d",
    end: Annotated[str | None, typer.Option("--end", help="Until before when; now by default.", show_default=False)] = None,
    against: Annotated[
        list[Path] | None, typer.Option("--against", help="Other rules to compare with; may be given several times.", show_default=False)
    ] = None,
    against_current: Annotated[bool, typer.Option("--against-current", help="Compare with the rules in force.")] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Routes and receivers, Alertmanager's file; those in force by default.", show_default=False),
    ] = None,
    oncall: Annotated[
        list[Path] | None,
        typer.Option("--oncall", help="Files with people, schedules, chains; those in force by default.", show_default=False),
    ] = None,
    incidents: Annotated[str, typer.Option("--incidents", help="A file with incidents, or `recorded`: those of this server.")] = RECORDED,
    significant: Annotated[
        float | None,
        typer.Option(
            "--significant", help="Take as incidents what cost an objective more than this share of its budget: 0.05.", show_default=False
        ),
    ] = None,
    step: Annotated[str, typer.Option("--step", help="Least time between two evaluations.")] = "1m",
    silences: Annotated[bool, typer.Option("--silences", help="Let silences that people made keep alerts quiet again.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    Replay rules over the past: who would have been paged, when, and for what; precision, recall, detection and reset against incidents.

    The whole path is replayed: rule, group, inhibition, silence, route, schedule. With --against two sets of rules stand side by side.
    """
    question: dict[str, Any] = {
        "start": _start(over, end),
        "end": end or "now",
        "rules": sent(rules or []),
        "against": sent(against or []),
        "against_current": against_current,
        "config": sent([config])[0] if config else None,
        "oncall": sent(oncall or []),
        "incidents": None if incidents == RECORDED else sent([Path(incidents)])[0],
        "significant": significant,
        "silences": silences,
        "step_s": parse_duration_ns(step) / NANOSECONDS,
    }
    with connect(url, data) as server:
        text = _wait(server, server.post(PATH, question))
    if as_json:
        console().print(text)
        return
    print_answer(console(), json.loads(text)["answer"])


def sent(files: Sequence[Path]) -> list[dict[str, str]]:
    """
    Files as a question carries them.

    Raises:
        NotFound: One can't be read.
    """
    found = []
    for path in files:
        try:
            found.append({"name": str(path), "text": path.read_text(encoding="utf-8")})
        except (OSError, UnicodeDecodeError) as error:
            raise NotFound(f"{path} can't be read as UTF-8 text: {getattr(error, 'strerror', None) or error}") from error
    return found


def print_answer(out: Console, answer: dict[str, Any]) -> None:
    """The reports side by side, then what is behind their figures."""
    reports = answer["reports"]
    first = reports[0]
    out.print(
        Text(
            f"{show_instant(first['start'], short=True)} to {show_instant(first['end'], short=True)}, every {length_text(first['step_s'])},"
            f" {answer['incidents']} {answer['judged_by']} incidents"
        )
    )
    columns = [Column(""), *(Column(clean(report["name"]), right=True) for report in reports)]
    print_table(out, columns, [[Text(line.name), *(Text(value) for value in line.values)] for line in lines_of(reports)])
    if len(reports) > 1:
        for sentence in differences_of(reports[0], reports[1]):
            out.print(Text(clean(sentence), "bold"))
    for report in reports:
        _print_details(out, report, named=len(reports) > 1)


def _print_details(out: Console, report: dict[str, Any], *, named: bool) -> None:
    score = report["score"]
    if named:
        out.print(Text(f"\n{clean(report['name'])}", "bold underline"))
    _print_rules(out, score["rules"])
    _print_people(out, score["people"])
    for incident in score["incidents"]:
        if incident["detection_s"] is None:
            why = "; ".join(incident["near_misses"]) or "no rule saw it"
            out.print(Text.assemble(("missed  ", "bold red"), clean(incident["name"]), (f"  {clean(why)}", "dim")))
    nothing = score["woken_for_nothing"]
    for page in nothing[:SHOWN]:
        who = page["person"] or "somebody"
        rules = ", ".join(page["rules"])
        out.print(Text.assemble(("for nothing  ", "yellow"), show_instant(page["at"], short=True), f"  {clean(who)}  {clean(rules)}"))
    if len(nothing) > SHOWN:
        out.print(Text(f"... and {len(nothing) - SHOWN} more pages for nothing", "yellow"))
    for failure in report["failures"]:
        out.print(Text(f"{clean(failure['rule'])} could not be evaluated: {clean(failure['message'])}", "red"))


def _print_rules(out: Console, rules: list[dict[str, Any]]) -> None:
    if not rules:
        out.print("no alert fired")
        return
    columns = [Column("rule", shrinks=True), *(Column(name, right=True) for name in ("fired", "pages", "true", "incidents", "precision"))]
    rows = []
    for rule in rules:
        precision = share_text(rule["true_pages"] / rule["pages"]) if rule["pages"] else "-"
        figures = (rule["firings"], rule["pages"], rule["true_pages"], rule["incidents"], precision)
        rows.append([Text(clean(rule["rule"])), *(Text(str(figure)) for figure in figures)])
    print_table(out, columns, rows)


def _print_people(out: Console, people: list[dict[str, Any]]) -> None:
    if not people or [person["person"] for person in people] == [""]:
        return
    names = ("pages", "at night", "nights", "worst week", "weeks over")
    columns = [Column("person", shrinks=True), *(Column(name, right=True) for name in names)]
    fields = ("pages", "night_pages", "nights", "worst_week", "weeks_over")
    rows = [[service_text(person["person"] or "nobody"), *(Text(str(person[field])) for field in fields)] for person in people]
    print_table(out, columns, rows)


def _start(over: str, end: str | None) -> str:
    """Where a stretch that ends at `end` begins."""
    length_ns = parse_duration_ns(over)
    if end is None or end.strip() == "now":
        return f"now-{over}"
    if found := re.fullmatch(r"now\s*-\s*(.+)", end.strip()):
        return f"now-{(parse_duration_ns(found[1]) + length_ns) // NANOSECONDS}s"
    return format_instant(parse_instant(end) - length_ns)


def _wait(server: Server, text: str) -> str:
    """The backtest when it is over; raises Refused when it failed."""
    run = json.loads(text)
    number, out = run["number"], Console(stderr=True, highlight=False, markup=False, emoji=False)
    waiting = threading.Event()
    columns = (TextColumn("backtest"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task("", total=1.0)
        while run["state"] == "running":
            waiting.wait(POLL_S)
            text = server.get(PATH)
            run = json.loads(text)
            if run["number"] != number:
                raise Refused(f"backtest {number} ended, and somebody started another one; its result is gone")
            progress.update(task, completed=run["progress"])
    if run["state"] != "done":
        raise Refused(run["error"], lasting=True)
    return text
