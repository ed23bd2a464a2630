"""`tocsin gate`."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli.commands import exit_code_of
from tocsin.cli.exit_codes import Exit
from tocsin.cli.parameters import ConfigOption, DataOption, JsonOption, UrlOption
from tocsin.cli.server import DEFAULT_URL, Refused, Unreachable, connect
from tocsin.cli.terminal import clean, console
from tocsin.errors import InvalidInput

VERDICTS = {"go": ("GO", "bold green"), "canary": ("GO, BEHIND A CANARY", "bold yellow"), "no_go": ("NO GO", "bold red")}


def command(
    service: Annotated[str, typer.Argument(help="The service that is about to be deployed.")],
    risk_minutes: Annotated[
        float, typer.Option("--risk-minutes", min=0, help="Minutes of total failure that the deployment costs in the worst case.")
    ] = 0.0,
    probability: Annotated[float, typer.Option("--probability", min=0, max=1, help="Chance that it goes wrong.")] = 1.0,
    fail_open: Annotated[
        bool | None,
        typer.Option(
            "--fail-open/--fail-closed", help="Go, or no-go, when nobody answers; slo.gate.when_unreachable by default.", show_default=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only ask: write nothing down, use no exception up.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """
    May this service be deployed now? Go or no-go with its reason, for a deploy pipeline.

    Exit code 0 for go, also behind a canary; 6 for no-go; 3 or 4 when nobody answers, or with a failure of its own, and the gate fails
    closed. A question that is refused (no service, a wrong address) ends with 2 whatever the flags say.
    """
    if not service.strip():
        raise InvalidInput("SERVICE is empty, so there is nothing to ask for; is the variable set that it comes from?")
    path = f"/api/gate/{quote(service, safe='')}"
    question = {"risk_minutes": risk_minutes, "probability": probability}
    try:
        with connect(url, data) as server:
            text = server.get(path, question) if dry_run else server.post(path, question)
        answer = _read(text, url)
    except (Unreachable, Refused) as error:
        if isinstance(error, Refused) and error.lasting:
            raise InvalidInput(f"the gate was not asked well, and said neither go nor no-go: {error}") from error
        goes = _fails_open(config) if fail_open is None else fail_open
        _print_silence(service, error, goes=goes, as_json=as_json)
        raise typer.Exit(Exit.OK if goes else exit_code_of(error)) from None
    if as_json:
        console().print(text)
    else:
        print_answer(console(), answer)
    raise typer.Exit(Exit.OK if answer["ok"] else Exit.NO_GO)


def print_answer(out: Console, answer: dict[str, Any]) -> None:
    """The verdict, its sentence, and what the service's other objectives say."""
    word, style = VERDICTS.get(answer["verdict"], (answer["verdict"], "bold"))
    out.print(Text.assemble((f"{clean(word)}  ", style), (clean(answer["service"]), "bold")))
    out.print(Text(clean(answer["sentence"])))
    for sentence in answer["others"]:
        out.print(Text(f"also: {clean(sentence)}", "dim"))
    if answer["exception"]:
        out.print(Text(f"exception {clean(answer['exception'])}", "yellow"))


def _read(text: str, url: str) -> dict[str, Any]:
    """The answer; something else may listen there, and answer everything with a page."""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "ok" not in answer or "verdict" not in answer:
        raise Unreachable(f"{url} does not answer as a gate does; is it Tocsin?")
    return answer


def _fails_open(config: Path | None) -> bool:
    """What the configuration says; its tree is loaded only when nobody answers."""
    sources, options = (importlib.import_module(f"tocsin.app.{name}") for name in ("option_sources", "options"))
    return bool(sources.load(file=config, environment=options.environment()).slo.gate.when_unreachable == "go")


def _print_silence(service: str, error: Exception, *, goes: bool, as_json: bool) -> None:
    """What is said when there is no answer: on standard output the verdict, on standard error why."""
    direction = "open" if goes else "closed"
    sentence = f"the gate fails {direction} when it can't be asked: {error}"
    Console(stderr=True, soft_wrap=True).print(Text.assemble(("error: ", "bold red"), clean(str(error), lines=True)))
    if as_json:
        verdict = {"service": service, "verdict": "go" if goes else "no_go", "ok": goes, "reason": "unreachable", "sentence": sentence}
        console().print(json.dumps(verdict))
        return
    word, style = VERDICTS["go" if goes else "no_go"]
    console().print(Text.assemble((f"{word}  ", style), (clean(service), "bold"), f"  nobody answered, and the gate fails {direction}"))
