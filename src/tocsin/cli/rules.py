"""`tocsin rules`: rules and how they stand; what is wrong with them; which burn-rate alerts objectives bring."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli import rule_tests
from tocsin.cli.exit_codes import Exit
from tocsin.cli.parameters import ConfigOption, DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, is_narrow, service_text, show_instant
from tocsin.errors import NotFound
from tocsin.model.spelling import did_you_mean

STATES = {"firing": "bold red", "pending": "yellow", "inactive": "dim"}
HEALTHS = {"ok": "green", "err": "red", "unknown": "dim"}
LEVELS = {"error": "bold red", "warning": "yellow"}
SHOWN_FIELDS = (("severity", "severity"), ("owner", "owner"), ("service", "service"), ("runbook", "runbook"), ("place", "place"))


class State(Enum):
    """The worst state of a rule's alerts."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


def list_rules(
    service: Annotated[str | None, typer.Option("--service", help="Only rules about this service.", show_default=False)] = None,
    state: Annotated[State | None, typer.Option("--state", help="Only rules whose worst alert is so.", show_default=False)] = None,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Every rule in force: its state, how its last evaluation went, whom it tells, what it asks."""
    with connect(url, data) as server:
        text = server.get("/api/rules", {"service": service, "state": state.value if state else None})
        problems = json.loads(server.get("/api/rules/lint"))
    out = console()
    if as_json:
        out.print(text)
        return
    rules = list(_rules(json.loads(text)))
    if rules:
        columns = [Column("rule", shrinks=True), Column("state"), Column("health"), Column("severity"), Column("service", shrinks=True)]
        roomy = not is_narrow(out)
        columns += [Column("alerts", right=True)]
        columns += [Column("condition", shrinks=True)] if roomy else []
        print_table(out, columns, [_row(rule, roomy=roomy) for _, rule in rules])
    else:
        out.print("no rules are in force; name rule files in rules.files, and objectives in slo.files")
    _print_problems(out, problems)


def show(
    name: Annotated[str, typer.Argument(help="The rule, as the list names it; several may have one name.")],
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """One rule: what it asks, how its last evaluation went, its alerts with what was measured."""
    with connect(url, data) as server:
        text = server.get("/api/rules", {"name": name})
        groups = json.loads(text)
        if not groups:
            known = {rule["name"] for _, rule in _rules(json.loads(server.get("/api/rules")))}
            raise NotFound(f"no rule is called {name!r}{did_you_mean(name, known) or '; `tocsin rules` lists all'}")
    out = console()
    if as_json:
        out.print(text)
        return
    for group, rule in _rules(groups):
        _print_rule(out, group, rule)


def lint(
    files: Annotated[list[Path] | None, typer.Argument(help="Rule files; those of rules.files without any.", show_default=False)] = None,
    slo: Annotated[
        list[Path] | None, typer.Option("--slo", help="SLO files in place of those of slo.files; may be repeated.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Say what is wrong with rules, without a server.

    A page must rest on what users notice: an objective, a golden signal, requests; causes such as CPU or disk may open tickets. It must
    name a severity, an owner and a runbook. Also found: thresholds that are never reached, `for` on burn rates, windows shorter than the
    interval, rules that make the same. The burn-rate alerts that objectives bring are held to the same. Exit code 1 when there is an error.
    """
    # Only here: who asks a server must not wait for what reads files to load.
    problems = importlib.import_module("tocsin.cli.rule_lint").problems_with_options(files or [], slo or [], config)
    out = console()
    if as_json:
        out.print(problems.json())
    else:
        _print_findings(out, json.loads(problems.json()), problems.rules)
    if problems.failed:
        raise typer.Exit(Exit.FINDING)


def profiles(as_json: JsonOption = False) -> None:
    """The burn-rate alerts that objectives bring by themselves, by profile (alert.burn_profile), for a window of 30 days."""
    known: list[dict[str, Any]] = importlib.import_module("tocsin.cli.rule_lint").profiles()
    out = console()
    if as_json:
        out.print(json.dumps(known))
        return
    for profile in known:
        out.print(Text.assemble((profile["name"], "bold"), f"  {profile['text']}"))
        for step in profile["steps"]:
            share = f"{step['share']:.0%} of the budget in {step['long']}"
            out.print(Text(f"  {step['severity']:<10}{step['factor']:>6g}x over {step['long']} and {step['short']}  ({share})"))


def _rules(groups: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for group in groups:
        for rule in group["rules"]:
            yield group, rule


def _row(rule: dict[str, Any], *, roomy: bool) -> list[Text | str]:
    state = rule["state"] if rule["kind"] == "alert" else "records"
    about = rule["service"] or rule["labels"].get("service", "")
    row: list[Text | str] = [
        _named(rule),
        Text(state, STATES.get(state, "dim")),
        Text(rule["health"], HEALTHS.get(rule["health"], "")),
        rule["severity"],
        service_text(about) if about else "",
        str(len(rule["alerts"])) if rule["alerts"] else "",
    ]
    return [*row, rule["condition"]] if roomy else row


def _named(rule: dict[str, Any]) -> str:
    """`SloBurn checkout`: the rules of objectives all have one name."""
    return " ".join(part for part in (rule["name"], rule["labels"].get("objective", "")) if part)


def _print_rule(out: Console, group: dict[str, Any], rule: dict[str, Any]) -> None:
    style = STATES.get(rule["state"], "")
    out.print(Text.assemble((clean(_named(rule)), "bold"), "  ", (rule["state"], style), f"  in group {clean(group['name'])}"))
    out.print(Text(f"  {clean(rule['condition'])}"))
    waits = f", for {rule['for_s']:g} s" if rule["for_s"] else ""
    checked = f"at {show_instant(rule['evaluated_at'])} UTC" if rule["evaluated_at"] else "not yet"
    error = f": {clean(rule['error'])}" if rule["error"] else ""
    health = (rule["health"], HEALTHS.get(rule["health"], ""))
    out.print(Text.assemble(f"  every {group['interval_s']:g} s{waits}; evaluated {checked}: ", health, error))
    for title, key in SHOWN_FIELDS:
        if rule[key]:
            out.print(Text(f"  {title:<11} {clean(str(rule[key]))}"))
    for key, value in rule["annotations"].items():
        out.print(Text(f"  {clean(key):<11} {clean(value)}", "dim"))
    for alert in rule["alerts"]:
        labels = ", ".join(f'{name}="{value}"' for name, value in alert["labels"].items() if name != "alertname")
        since = show_instant(alert["active_at"])
        out.print(Text.assemble("  ", (alert["state"], STATES.get(alert["state"], "")), f" since {since} UTC  {{{clean(labels)}}}"))
        for value in alert["annotations"].values():
            out.print(Text(f"    {clean(value)}"))


def _print_problems(out: Console, problems: dict[str, Any]) -> None:
    for mistake in problems["mistakes"]:
        out.print(Text.assemble(("mistake: ", "bold red"), clean(mistake)))
    if problems["mistakes"]:
        out.print(Text("a file with mistakes changes nothing: what it said before is in force; `tocsin rules lint FILE...` checks it"))
    if problems["findings"]:
        errors = sum(finding["level"] == "error" for finding in problems["findings"])
        counts = f"{_counted(errors, 'error')} and {_counted(len(problems['findings']) - errors, 'warning')}"
        out.print(Text(f"lint finds {counts} in these rules: `tocsin rules lint` says which", "dim"))


def _print_findings(out: Console, problems: dict[str, Any], rules: int) -> None:
    for mistake in problems["mistakes"]:
        out.print(Text.assemble(("mistake: ", "bold red"), clean(mistake)))
    for finding in problems["findings"]:
        where = f"{finding['place']}: " if finding["place"] else ""
        code = (f"  [{finding['code']}]", "dim")
        out.print(Text.assemble((f"{finding['level']}: ", LEVELS[finding["level"]]), clean(where + finding["message"]), code))
    errors = sum(finding["level"] == "error" for finding in problems["findings"])
    counts = [_counted(errors, "error"), _counted(len(problems["findings"]) - errors, "warning")]
    if problems["mistakes"]:
        counts.insert(0, _counted(len(problems["mistakes"]), "mistake"))
    out.print(Text(f"{_counted(rules, 'rule')}: {', '.join(counts)}", "bold red" if problems["failed"] else ""))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


PARTS = {"list": list_rules, "show": show, "lint": lint, "test": rule_tests.command, "profiles": profiles}
