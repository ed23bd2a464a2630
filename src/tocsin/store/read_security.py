"""
Statements that count, per client and day, what clients asked for and were refused: in a range of today and at the same hours of past days.

Only spans of requests (server, consumer) count. Ranges of several days in one statement read no more granules than those hours have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.store.attribute_lookup import chosen_of, first_of, is_one_of
from tocsin.store.plan import Predicate
from tocsin.store.read_range import Within, in_range
from tocsin.store.render import LOGS, render
from tocsin.store.sql import ParameterNames, Sql

DAY_NS = 86_400 * 1_000_000_000
CLIENTS_MAX = 2_000
CLIENT_CHARACTERS_MAX = 200
# Source: OpenTelemetry semantic conventions, HTTP and RPC, present and former names. gRPC: 7 PERMISSION_DENIED, 16 UNAUTHENTICATED.
REFUSED = (
    (("http.response.status_code", "http.status_code"), ("401", "403")),
    (("rpc.grpc.status_code", "rpc.response.status_code"), ("7", "16", "PERMISSION_DENIED", "UNAUTHENTICATED")),
)
ROUTES = (("http.route",), ("url.path",))


@dataclass(frozen=True, slots=True)
class SameHours:
    """The range from `start` to before `end` (nanoseconds since 1970, at most a day), and the same hours of `days` days before."""

    start: int
    end: int
    days: int

    def ranges(self) -> list[Within]:
        """All of them, today's first."""
        return [Within(self.start - day * DAY_NS, self.end - day * DAY_NS) for day in range(self.days + 1)]


def client_requests(hours: SameHours, keys: Sequence[str], names: ParameterNames) -> Sql:
    """
    Key, client; days back (0: today), requests, refused ones and routes as arrays; how many clients today has, and its refused requests.

    The row with an empty key counts all requests, whoever asked. Clients with the most refusals today come first, then those with the most
    requests.
    """
    inner = (
        Sql("SELECT ")
        + _day(hours, names)
        + Sql(", ")
        + is_one_of(REFUSED, names)
        + Sql(" AS refused, cityHash64(firstNonDefault(")
        + chosen_of(ROUTES, names)
        + Sql(", toString(name))) AS route, ")
        + _clients(keys, names)
        + Sql(" FROM spans WHERE kind IN (2, 5) AND (")
        + Sql.join(" OR ", [_in(within, names) for within in hours.ranges()])
        + Sql(")")
    )
    counted = "count() AS requests, countIf(refused) AS failures, uniq(route) AS routes"
    return _per_client(Sql(f"SELECT clients.1 AS key, clients.2 AS client, day, {counted} FROM (") + inner, names)


def client_events(hours: SameHours, keys: Sequence[str], predicate: Predicate, names: ParameterNames) -> Sql:
    """The same of log records that satisfy a predicate: each is a failure, none is a request."""
    inner = (
        Sql("SELECT ")
        + _day(hours, names)
        + Sql(", ")
        + _clients(keys, names)
        + Sql(" FROM logs WHERE (")
        + Sql.join(" OR ", [_in(within, names) for within in hours.ranges()])
        + Sql(") AND ")
        + render(predicate, LOGS, names)
    )
    counted = "toUInt64(0) AS requests, count() AS failures, toUInt64(0) AS routes"
    return _per_client(Sql(f"SELECT clients.1 AS key, clients.2 AS client, day, {counted} FROM (") + inner, names)


def _per_client(per_day: Sql, names: ParameterNames) -> Sql:
    days = "groupArray(day), groupArray(requests), groupArray(failures), groupArray(routes)"
    return (
        Sql(f"SELECT key, client, {days}, sum(key != '' AND max(day = 0)) OVER () AS clients_today FROM (")
        + per_day
        + Sql(") ARRAY JOIN clients GROUP BY key, client, day) GROUP BY key, client ")
        + Sql("ORDER BY key = '' DESC, sumIf(failures, day = 0) DESC, sumIf(requests, day = 0) DESC, key, client LIMIT ")
        + names.bind("UInt32", CLIENTS_MAX)
    )


def _clients(keys: Sequence[str], names: ParameterNames) -> Sql:
    """An array of (key, client), the first of them empty, for everybody."""
    pairs = [
        Sql("(") + names.bind("String", key) + Sql(", substringUTF8(") + first_of([key], names) + Sql(f", 1, {CLIENT_CHARACTERS_MAX}))")
        for key in keys
    ]
    return Sql("arrayConcat([('', '')], arrayFilter(p -> p.2 != '', [") + Sql.join(", ", pairs) + Sql("])) AS clients")


def _day(hours: SameHours, names: ParameterNames) -> Sql:
    end = names.bind("Int64", hours.end - 1)
    return Sql("intDiv(") + end + Sql(f" - toUnixTimestamp64Nano(ts), {DAY_NS}) AS day")


def _in(within: Within, names: ParameterNames) -> Sql:
    return Sql("(") + Sql.join(" AND ", in_range(within, names)) + Sql(")")
