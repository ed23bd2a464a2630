"""The reference pages of commands, routes and metrics, written from the code for `make docs`."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from tocsin.alert.files.live import LiveRules
from tocsin.alert.page.source import PageFactsSource
from tocsin.alert.pipeline.delivery import Delivery
from tocsin.alert.pipeline.forward import Forwarder
from tocsin.alert.pipeline.heartbeat import Heartbeat
from tocsin.alert.pipeline.pipeline import Pipeline
from tocsin.alert.rules.manager import RuleManager
from tocsin.alert.rules.writer import RuleWriter
from tocsin.api.alertmanager.routes import API as ALERTMANAGER_API
from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.api.errors import ALERTMANAGER_PREFIX
from tocsin.api.exposition import families
from tocsin.api.otlp_http import PATHS, OtlpHttp
from tocsin.api.prometheus.federate import federate
from tocsin.api.prometheus.routes import API
from tocsin.api.prometheus.routes import PREFIX as PROMETHEUS
from tocsin.app.process import ProcessWatch
from tocsin.cli.commands import COMMANDS, load_command
from tocsin.cli.exit_codes import EXIT_MEANINGS
from tocsin.clock import RealClock
from tocsin.collect.manager import Collector
from tocsin.incident.keeper import Keeper as IncidentKeeper
from tocsin.journal.journal import Journal
from tocsin.model.signal import Signal
from tocsin.oncall.desk import OncallDesk
from tocsin.query.desk import Desk
from tocsin.query.patterns.keeper import PatternKeeper
from tocsin.query.promql.engine import Promql
from tocsin.replay.desk import ReplayDesk
from tocsin.slo.counting.keeper import Keeper
from tocsin.slo.desk import SloDesk
from tocsin.slo.files.live import LiveDefinitions
from tocsin.state.state import State
from tocsin.store.fold import Fold
from tocsin.store.loader import Loader
from tocsin.store.store import Store
from tocsin.wire.deployments import DeploymentDoor
from tocsin.wire.door import Door
from tocsin.wire.otlp_grpc import GrpcServer
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.remote_write import RemoteWriteDoor

HELP_WIDTH = 120
WRITTEN = "Written from the code by `make docs`; don't edit."
SOURCES: dict[str, Any] = {  # as `tocsin up` names them, see tocsin.app.lifecycle
    "journal": Journal.statistics,
    "store": Store.statistics,
    "loader": Loader.statistics,
    "fold": Fold.statistics,
    "promql": Promql.statistics,
    "door": Door.statistics,
    "http": OtlpHttp.statistics,
    "grpc": GrpcServer.statistics,
    "series": SeriesRegistry.statistics,
    "remote_write": RemoteWriteDoor.statistics,
    "collect": Collector.statistics,
    "state": State.statistics,
    "slo_files": LiveDefinitions.statistics,
    "slo_keeper": Keeper.statistics,
    "slo": SloDesk.statistics,
    "deployments": DeploymentDoor.statistics,
    "log_patterns": PatternKeeper.statistics,
    "rule_files": LiveRules.statistics,
    "rules": RuleManager.statistics,
    "rule_writer": RuleWriter.statistics,
    "pages": PageFactsSource.statistics,
    "alerts": Pipeline.statistics,
    "dispatch": Pipeline.dispatched,
    "delivery": Delivery.statistics,
    "forward": Forwarder.statistics,
    "heartbeat": Heartbeat.statistics,
    "oncall": OncallDesk.statistics,
    "incidents": IncidentKeeper.statistics,
    "replay": ReplayDesk.statistics,
    "process": ProcessWatch.statistics,
}


def cli_page() -> str:
    """The page `cli.md`: every command with its help, and what exit codes mean."""
    lines = ["# Commands", "", WRITTEN, "", "| exit code | meaning |", "|---|---|"]
    lines += [f"| {code.value} | {meaning} |" for code, meaning in EXIT_MEANINGS.items()]
    lines += ["", "Commands that ask take `--url` (or the variable `TOCSIN_URL`) for a server, or `--data` for a directory without one."]
    for command in COMMANDS:
        loaded = load_command(command)
        lines += ["", f"## tocsin {command.name}", "", *_help(loaded, f"tocsin {command.name}")]
        for name, part in getattr(loaded, "commands", {}).items():
            lines += ["", f"### tocsin {command.name} {name}", "", *_help(part, f"tocsin {command.name} {name}")]
    return "\n".join(lines) + "\n"


def _help(command: Any, name: str) -> list[str]:
    context = command.make_context(name, [], resilient_parsing=True, terminal_width=HELP_WIDTH)
    return ["```text", command.get_help(context).rstrip(), "```"]


def http_page() -> str:
    """The page `http.md`: every route with its parameters and what it returns."""
    desk: Any = Desk.__new__(Desk)  # the page asks no question
    document = create_application(Context(desk=desk, clock=RealClock())).openapi()
    lines = [
        "# HTTP",
        "",
        WRITTEN,
        "",
        "One port serves everything. Errors are explained in [errors.md](errors.md).",
        "",
        "## Telemetry",
        "",
    ]
    lines += [f"- `POST {path}`: OTLP over HTTP, protobuf or JSON; plain, gzip, deflate or zstd" for path in PATHS.values()]
    lines += [f"- `POST {PROMETHEUS}/api/v1/write`: Prometheus remote write 1.0 and 2.0; snappy, zstd or plain"]
    lines += ["", "## Prometheus", "", "Parameters and answers are those of the Prometheus HTTP API.", ""]
    lines += [f"- `{' | '.join(methods)} {PROMETHEUS}/api/v1/{path}`: {_first_sentence(handler)}" for path, methods, handler in API]
    lines += [f"- `GET {PROMETHEUS}/federate`: {_first_sentence(federate)}"]
    lines += [f"- `GET {PROMETHEUS}/-/healthy`, `GET {PROMETHEUS}/-/ready`: as promtool asks whether a server is well."]
    lines += [
        "",
        "## Alertmanager",
        "",
        "Parameters and answers are those of Alertmanager's API, version 2; what its version 1 had is gone.",
        "",
    ]
    lines += [
        f"- `{method} {ALERTMANAGER_PREFIX}/api/v2/{path}`: {_first_sentence(handler)}"
        for path, handlers in ALERTMANAGER_API
        for method, handler in handlers.items()
    ]
    lines += [f"- `{ALERTMANAGER_PREFIX}/api/v1/{{path:path}}`: says that it is gone."]
    lines += [f"- `GET {ALERTMANAGER_PREFIX}/-/healthy`, `GET {ALERTMANAGER_PREFIX}/-/ready`: whether the server is well."]
    lines += ["", "## Questions and probes", "", "A running server draws this at `/api/docs`; the document is `/api/openapi.json`."]
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            lines += ["", f"### {verb.upper()} {path}", "", operation["description"], *_parameters(operation), *_body(operation, document)]
            lines += ["", f"Returns {_returned(operation)}."]
    return "\n".join(lines) + "\n"


def _first_sentence(handler: Any) -> str:
    """What a handler of the Prometheus API says of itself, without the route's name that it begins with."""
    return re.sub(r"^`[^`]*`: ", "", (handler.__doc__ or "").strip().splitlines()[0])


def metrics_page() -> str:
    """The page `metrics.md`: every metric that /metrics exposes, with its labels."""
    lines = ["# Metrics", "", WRITTEN, "", "What `/metrics` exposes, as Prometheus text or OpenMetrics.", ""]
    lines += ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    examples = {name: example(typing.get_type_hints(statistics)["return"]) for name, statistics in SOURCES.items()}
    for family in families(examples):
        labels = ", ".join(f"`{name}`" for name, _ in family.samples[0][0]) or "-"
        lines.append(f"| `{family.name}` | {family.kind} | {labels} | {family.help.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def example(kind: Any) -> Any:
    """An instance of a statistics type, all zero, with one entry in each mapping."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{item.name: example(hints[item.name]) for item in dataclasses.fields(kind)})
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {Signal.LOGS if arguments[0] is Signal else "example": example(arguments[1])}
    if origin in {types.UnionType, typing.Union}:
        return example(arguments[0])
    return () if origin is tuple else kind()


def _parameters(operation: dict[str, Any]) -> list[str]:
    if not operation.get("parameters"):
        return []
    rows = []
    for parameter in operation["parameters"]:
        default = parameter["schema"].get("default")
        shown = "required" if parameter["required"] else "-" if default in {None, ""} else f"`{default}`"
        rows.append(f"| `{parameter['name']}` | {kind_words(parameter['schema'])} | {shown} | {parameter['description']} |")
    return ["", "| parameter | kind | default | meaning |", "|---|---|---|---|", *rows]


def _body(operation: dict[str, Any], document: dict[str, Any]) -> list[str]:
    if "requestBody" not in operation:
        return []
    name = kind_words(operation["requestBody"]["content"]["application/json"]["schema"]).strip("`")
    schema = document["components"]["schemas"].get(name)
    if schema is None:
        return ["", "The body is JSON, as its sender defines it."]
    rows = []
    for field, kind in schema["properties"].items():
        default = "required" if field in schema.get("required", []) else f"`{kind.get('default')}`"
        rows.append(f"| `{field}` | {kind_words(kind)} | {default} | {kind['description']} |")
    return ["", "| field of the JSON body | kind | default | meaning |", "|---|---|---|---|", *rows]


def _returned(operation: dict[str, Any]) -> str:
    content = next(iter(operation["responses"].values())).get("content", {})
    if "application/json" in content and content["application/json"].get("schema"):
        return kind_words(content["application/json"]["schema"])
    return "JSON" if "application/json" in content else "text"


def kind_words(schema: dict[str, Any]) -> str:
    """What a schema allows, in a few words: `integer, 1 to 10000`."""
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(kind_words(part) for part in schema["anyOf"] if part.get("type") != "null")
    if "enum" in schema:
        return " or ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {kind_words(schema['items'])}"
    low, high = schema.get("minimum"), schema.get("maximum")
    bounds = f", {low} to {high}" if low is not None and high is not None else f", at most {high}" if high is not None else ""
    return f"{schema.get('type', 'any JSON')}{bounds}"
