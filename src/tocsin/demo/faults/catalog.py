"""
The faults, each with its story: what breaks, what users see, and where the cause shows.

    tocsin demo fault slow-dependency --for 5m
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """What can be broken; the value is its name on the command line."""

    SLOW_DEPENDENCY = "slow-dependency"
    UNINDEXED_QUERY = "unindexed-query"
    BAD_DEPLOY = "bad-deploy"
    TRAFFIC_SPIKE = "traffic-spike"
    POOL_EXHAUSTED = "pool-exhausted"


@dataclass(frozen=True, slots=True)
class FaultStory:
    """
    What a fault does.

    Args:
        breaks: What happens, and to which service.
        symptom: What users meet.
        cause: Where an engineer finds why.
        version: The version that is deployed with it; empty when nothing is.
        service: Which service is deployed then.
    """

    breaks: str
    symptom: str
    cause: str
    version: str = ""
    service: str = ""


STORIES = {
    Fault.SLOW_DEPENDENCY: FaultStory(
        "the card processor outside takes two seconds and a half instead of 40 ms",
        "checkouts are slow, some time out",
        "the span `card processor charge` in payments holds nearly all of the time",
    ),
    Fault.UNINDEXED_QUERY: FaultStory(
        "orders 1.2.0 reads a customer's orders with a query that no index serves",
        "the list of a customer's orders takes more than a second",
        "a log record of orders says `full table scan`, and the deployment of orders 1.2.0 lies just before",
        version="1.2.0",
        service="orders",
    ),
    Fault.BAD_DEPLOY: FaultStory(
        "orders 1.1.0 fails for every basket with a kettle in it",
        "a third of all checkouts ends in an error",
        "KeyError in orders' log, only in version 1.1.0, and the deployment lies just before",
        version="1.1.0",
        service="orders",
    ),
    Fault.TRAFFIC_SPIKE: FaultStory(
        "a sale: six times as many customers, nine of ten of them to buy",
        "checkouts queue before the card processor, which takes one at a time",
        "traffic is six times its baseline; the wait lies in payments before `card processor charge`",
    ),
    Fault.POOL_EXHAUSTED: FaultStory(
        "orders gives its database connections back two seconds and a half too late",
        "orders answers 503 once all four connections are in use",
        "log records say `connection pool exhausted`; the gauge db.client.connection.count stands at its maximum",
    ),
}
