"""
Statements that find out which version of a service was seen when, from the inventory of resources.

The inventory has a row per resource, signal and five minutes: millions in a month. The first statement therefore asks only for the first
and last sighting of each version, which is a walk over one dictionary column; the second, for the few services that need it, for all.
"""

from __future__ import annotations

from tocsin.store.read_range import Within, where
from tocsin.store.sql import ParameterNames, Sql

NANOSECONDS = 1_000_000_000
SIGHTING_S = 300  # a bucket of the inventory
SECONDS_MAX = 2**32 - 1  # what a DateTime holds
ENVIRONMENT = (
    "if(JSONHas(resource, 'deployment.environment.name'), JSONExtractString(resource, 'deployment.environment.name'), "
    "JSONExtractString(resource, 'deployment.environment'))"
)
VERSION = "JSONExtractString(resource, 'service.version')"
SERVICE = "JSONExtractString(resource, 'service.name')"


def version_spans(within: Within, *, service: str | None, names: ParameterNames) -> Sql:
    """
    Service, environment, version, first and last sighting (seconds since 1970, starts of buckets); all of it also where none is named.

    Leaving those out here would cost twenty times as much: the engine would look for them before it groups.
    """
    inner = Sql("SELECT resource, min(bucket) AS first, max(bucket) AS last FROM resources")
    grouped = inner + where([*_in_buckets(within, names), *_of_services(None if service is None else [service], names)])
    return (
        Sql(f"SELECT {SERVICE} AS named, {ENVIRONMENT} AS environment, {VERSION} AS version, ")
        + Sql("toUnixTimestamp(min(first)), toUnixTimestamp(max(last)) FROM (")
        + grouped
        + Sql(" GROUP BY resource) GROUP BY named, environment, version ORDER BY named, version")
    )


def version_sightings(within: Within, *, services: list[str], absent_s: int, names: ParameterNames) -> Sql:
    """
    Service, environment, version, and its stretches of time: arrays of first and last sighting, seconds since 1970.

    A stretch ends where the version was not seen for `absent_s` seconds.
    """
    per_resource = Sql("SELECT resource, groupUniqArray(toUnixTimestamp(bucket)) AS at FROM resources")
    inner = (
        Sql(f"SELECT {SERVICE} AS named, {ENVIRONMENT} AS environment, {VERSION} AS version, ")
        + Sql("arraySort(arrayDistinct(arrayFlatten(groupArray(at)))) AS seen FROM (")
        + per_resource
        + where([*_in_buckets(within, names), *_of_services(services, names)])
        + Sql(" GROUP BY resource) GROUP BY named, environment, version")
    )
    split = Sql("arraySplit((at, since) -> since > ") + names.bind("UInt32", absent_s) + Sql(", seen, arrayDifference(seen))")
    return (
        Sql("SELECT named, environment, version, arrayMap(stretch -> (stretch[1], stretch[-1]), ")
        + split
        + Sql(") FROM (")
        + inner
        + Sql(") ORDER BY named, version")
    )


def _in_buckets(within: Within, names: ParameterNames) -> list[Sql]:
    bounds = []
    if within.start is not None:
        first = max(0, within.start) // NANOSECONDS // SIGHTING_S * SIGHTING_S
        bounds.append(Sql("bucket >= toDateTime(") + names.bind("Int64", min(first, SECONDS_MAX)) + Sql(", 'UTC')"))
    if within.end is not None:
        end = min(max(0, -(-within.end // NANOSECONDS)), SECONDS_MAX)
        bounds.append(Sql("bucket < toDateTime(") + names.bind("Int64", end) + Sql(", 'UTC')"))
    return bounds


def _of_services(services: list[str] | None, names: ParameterNames) -> list[Sql]:
    return [] if services is None else [Sql("service IN ") + names.bind("Array(String)", services)]
