"""`tocsin deploy`."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.parameters import DataOption, EndOption, JsonOption, LastOption, StartOption, UrlOption, time_parameters
from tocsin.cli.server import DEFAULT_URL, connect
from tocsin.cli.table import Column, print_table
from tocsin.cli.terminal import clean, console, is_narrow, service_text, show_instant

STYLES = {"failed": "red", "rolled_back": "yellow", "removed": "dim", "started": "cyan"}


class Status(Enum):
    """How a deployment stands."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    REMOVED = "removed"


def list_deployments(
    service: Annotated[str | None, typer.Option("--service", help="Only of this service.", show_default=False)] = None,
    start: StartOption = None,
    end: EndOption = None,
    last: LastOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Deployments, at most.")] = 100,
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Deployments, the newest first, of the last 30 days by default: marked, told by pipelines, and found in the telemetry."""
    with connect(url, data) as server:
        text = server.get("/api/deployments", {"service": service, "limit": limit, **time_parameters(start, end, last)})
    out = console()
    if as_json:
        out.print(text)
        return
    deployments = json.loads(text)
    if not deployments:
        out.print("no deployments are known in that time; `tocsin deploy mark SERVICE VERSION` tells of one")
        return
    columns = [Column("when"), Column("service", shrinks=True), Column("version", shrinks=True), Column("status"), Column("source")]
    roomy = not is_narrow(out)
    if roomy:
        columns += [Column("environment", shrinks=True), Column("by", shrinks=True), Column("what", shrinks=True)]
    print_table(out, columns, [_row(deployment, roomy) for deployment in deployments])


def mark(
    service: Annotated[str, typer.Argument(help="What was deployed, as `service.name` says.")],
    version: Annotated[str, typer.Argument(help="What came, as `service.version` says.")],
    at: Annotated[str | None, typer.Option("--at", help="When: 2026-11-20T02:03:11Z, now-5m; now by default.", show_default=False)] = None,
    environment: Annotated[str, typer.Option("--environment", help="`production`, or whatever you call it.", show_default=False)] = "",
    author: Annotated[str, typer.Option("--author", help="Who did it.", show_default=False)] = "",
    link: Annotated[str, typer.Option("--link", help="Address where more stands about it.", show_default=False)] = "",
    status: Annotated[Status, typer.Option("--status", help="How it stands.")] = Status.SUCCEEDED,
    description: Annotated[str, typer.Option("--description", help="What it brings, in a sentence.", show_default=False)] = "",
    identity: Annotated[
        str, typer.Option("--id", help="Names it: marking the same id again brings it up to date.", show_default=False)
    ] = "",
    as_json: JsonOption = False,
    url: UrlOption = DEFAULT_URL,
    data: DataOption = None,
) -> None:
    """Tell of a deployment, from a pipeline's last step for example."""
    document = {
        "service": service,
        "version": version,
        "at": at,
        "environment": environment,
        "author": author,
        "url": link,
        "status": status.value,
        "description": description,
        "id": identity,
    }
    with connect(url, data) as server:
        text = server.post("/api/deployments", document)
    out = console()
    if as_json:
        out.print(text)
        return
    answer = json.loads(text)
    for deployment in answer["recorded"]:
        out.print(Text(f"marked {_name(deployment)}"))
    for deployment in answer["known"]:
        out.print(Text(f"{_name(deployment)} was known before; it stands as {deployment['status'].replace('_', ' ')}"))


def _name(deployment: dict[str, Any]) -> str:
    return f"{clean(deployment['service'])} {clean(deployment['version'])} at {show_instant(deployment['at'])} UTC"


def _row(deployment: dict[str, Any], roomy: bool) -> list[Text | str]:
    version = deployment["version"] or "-"
    if deployment["previous_version"]:
        version += f" (was {deployment['previous_version']})"
    status = Text(deployment["status"].replace("_", " "), STYLES.get(deployment["status"], ""))
    row: list[Text | str] = [
        show_instant(deployment["at"])[:16],
        service_text(deployment["service"]),
        version,
        status,
        deployment["source"],
    ]
    return [*row, deployment["environment"], deployment["author"], deployment["description"]] if roomy else row


PARTS = {"list": list_deployments, "mark": mark}
