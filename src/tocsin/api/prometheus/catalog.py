"""Series, labels, metadata, targets and the state of the storage."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tocsin.api.context import Context
from tocsin.api.prometheus.parameters import BadParameter, Parameters, unescape_label
from tocsin.api.prometheus.render import success
from tocsin.api.status import package_version
from tocsin.model.instant import format_instant
from tocsin.query.promql.answer import Annotations

API_VERSION = "3.5.0"  # of Prometheus: what clients may expect of the answers
TRUNCATED = Annotations(("results truncated due to limit",))
LOOK_BACK_MS = 12 * 3_600_000  # of a list of series without a start
STATUS_ROWS = 10


def series(context: Context, parameters: Parameters) -> bytes:
    """`series`: label sets that match any of the selectors."""
    sets = parameters.selectors(required=True)
    start_ms, end_ms = _range(context, parameters)
    limit = parameters.count("limit")
    found = context.desk.metrics.catalog.series(sets, start_ms, end_ms, limit=_one_more(limit))
    return _limited([dict(labels.pairs) for labels in found], limit)


def labels(context: Context, parameters: Parameters) -> bytes:
    """`labels`: names."""
    start_ms, end_ms = _range(context, parameters)
    limit = parameters.count("limit")
    found = context.desk.metrics.catalog.label_names(parameters.selectors(), start_ms, end_ms, limit=_one_more(limit))
    return _limited(found, limit)


def label_values(context: Context, parameters: Parameters) -> bytes:
    """`label/<name>/values`: values of one label."""
    name = unescape_label(parameters.text("__path__"))
    if not name:
        raise BadParameter('invalid label name: ""; ask for label/<name>/values')
    start_ms, end_ms = _range(context, parameters)
    limit = parameters.count("limit")
    found = context.desk.metrics.catalog.label_values(name, parameters.selectors(), start_ms, end_ms, limit=_one_more(limit))
    return _limited(found, limit)


def metadata(context: Context, parameters: Parameters) -> bytes:
    """`metadata`: types, help texts and units by metric."""
    limit, per_metric = parameters.count("limit"), parameters.count("limit_per_metric")
    families: dict[str, list[dict[str, str]]] = {}
    for found in context.desk.metrics.catalog.metadata(parameters.text("metric") or None, limit=limit):
        about = families.setdefault(found.metric, [])
        if not per_metric or len(about) < per_metric:
            about.append({"type": found.type, "help": found.help, "unit": found.unit})
    return success(families)


def targets(context: Context, parameters: Parameters) -> bytes:
    """`targets`: what is scraped, and how that went."""
    wanted, pool = parameters.text("state", "any"), parameters.text("scrapePool")
    found = [] if context.targets is None else [one for one in context.targets() if not pool or one.job == pool]
    active = [
        {
            "discoveredLabels": dict(one.discovered),
            "labels": dict(one.labels.pairs),
            "scrapePool": one.job,
            "scrapeUrl": one.url,
            "globalUrl": one.url,
            "lastError": one.last_error,
            "lastScrape": format_instant(one.last_scrape_ms * 1_000_000),
            "lastScrapeDuration": one.last_duration_s,
            "health": one.health.value,
            "scrapeInterval": f"{one.interval_s:g}s",
            "scrapeTimeout": f"{one.timeout_s:g}s",
        }
        for one in found
    ]
    return success({"activeTargets": active if wanted != "dropped" else [], "droppedTargets": []})


def build_information(_context: Context, _parameters: Parameters) -> bytes:
    """`status/buildinfo`: the version of the API that is spoken here, and whose it is."""
    return success(
        {
            "version": API_VERSION,
            "revision": f"tocsin-{package_version()}",
            "branch": "",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
            "application": f"Tocsin {package_version()}",
        }
    )


def runtime_information(context: Context, _parameters: Parameters) -> bytes:
    """`status/runtimeinfo`: the present, as this server sees it."""
    return success({"serverTime": format_instant(context.clock.now_ns()), "reloadConfigSuccess": True})


def storage_status(context: Context, parameters: Parameters) -> bytes:
    """`status/tsdb`: how many series there are, and what costs the most of them."""
    report = context.desk.metrics.catalog.cardinality(limit=parameters.count("limit") or STATUS_ROWS)
    return success(
        {
            "headStats": {
                "numSeries": report.series,
                "numLabelPairs": report.label_pairs,
                "chunkCount": report.chunks,
                "minTime": report.start_ms,
                "maxTime": report.end_ms,
            },
            "seriesCountByMetricName": [asdict(one) for one in report.series_by_metric],
            "labelValueCountByLabelName": [asdict(one) for one in report.values_by_label],
            "memoryInBytesByLabelName": [asdict(one) for one in report.bytes_by_label],
            "seriesCountByLabelValuePair": [asdict(one) for one in report.series_by_pair],
        }
    )


def _range(context: Context, parameters: Parameters) -> tuple[int, int]:
    """The range asked for, milliseconds; without one, everything of the last half day: series that ended long ago are no help."""
    now_ms = context.clock.now_ns() // 1_000_000
    end_ms = parameters.instant_ms("end", now_ms)
    return parameters.instant_ms("start", min(now_ms, end_ms) - LOOK_BACK_MS), end_ms


def _one_more(limit: int) -> int:
    return limit + 1 if limit else 0


def _limited(found: list[Any], limit: int) -> bytes:
    """A list; with a warning when there is more than the limit shows."""
    return success(found[:limit], annotations=TRUNCATED) if limit and len(found) > limit else success(found)
