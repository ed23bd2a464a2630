"""
Who uses the system, how, and what that costs: unusual access per client, tokens, bytes and money per tenant, route and model. Frozen, JSON
by pydantic's ordinary rules, shared by API and terminal.
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.model.instant import Instant
from tocsin.model.signals import Flag


@dataclass(frozen=True, slots=True)
class ClientMeasure:
    """
    One count of one client, held against what is usual.

    Args:
        name: `requests`, `failures` (requests refused as 401, 403 or their like), `failed_events` (log records that match the configured
            query) or `routes` (different routes asked for).
        count: In the range.
        expected: What the same hours of the past days let expect; None where nothing is known of them.
        probability: Upper bound on how probable so high a count is by chance for any of all clients and measures: 1 where it is nothing
            much; None where nothing is known of past days.
        flag: How it stands.
        reason: Why, in words.
    """

    name: str
    count: int
    expected: float | None
    probability: float | None
    flag: Flag
    reason: str


@dataclass(frozen=True, slots=True)
class ClientSignals:
    """
    One client.

    Args:
        key: What kind of client: the attribute that names it (`client.address`, `user.id`).
        client: Which one.
        known: Whether it was seen in the same hours of the past days.
        flag: The worst of its measures.
        reason: Why.
        measures: What was counted of it; what was 0 and is not expected to be more is left out.
    """

    key: str
    client: str
    known: bool
    flag: Flag
    reason: str
    measures: list[ClientMeasure]


@dataclass(frozen=True, slots=True)
class SecuritySignals:
    """
    Authentication failures and unusual access.

    Args:
        start, end: The range.
        flag: The worst of all clients; NO_DATA when none was seen.
        clients: How many were seen, those that are not listed included.
        failures: Requests that were refused for who asked, of all clients and of those that no key names.
        days: Past days whose same hours had any requests.
        days_asked: Past days that were looked at.
        warn_rate, breach_rate: In what share of such reports a client whose behaviour did not change is falsely flagged, at most, as the
            model has it.
        signals: Flagged clients first, then those with the most failures and requests.
        sentence: All of it in words.
    """

    start: Instant
    end: Instant
    flag: Flag
    clients: int
    failures: int
    days: int
    days_asked: int
    warn_rate: float
    breach_rate: float
    signals: list[ClientSignals]
    sentence: str


@dataclass(frozen=True, slots=True)
class Usage:
    """
    What was used.

    Args:
        requests: Requests served (server and consumer spans); None by model, since models serve none.
        model_calls: Calls to models.
        input_tokens, output_tokens: Of those calls.
        received_bytes, sent_bytes: Bodies of requests and of responses, as far as spans tell.
        money: What the priced calls cost; None where tokens were used and none of them is priced.
        unpriced_tokens: Tokens of models without a price: their cost is not in `money`.
    """

    requests: int | None
    model_calls: int
    input_tokens: int
    output_tokens: int
    received_bytes: int
    sent_bytes: int
    money: float | None
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Usage of one tenant, route or model; `name` is empty for what nobody is named for. `per_day` is the same at this pace for a day."""

    name: str
    usage: Usage
    per_day: Usage


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """A model that the price table does not know, and the tokens that are therefore missing from all sums of money."""

    model: str
    calls: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class CostSignals:
    """
    What was used and what it cost.

    Args:
        start, end: The range.
        by: `tenant`, `route` or `model`.
        currency: Of all sums of money.
        rows: The dearest first, then by tokens and requests.
        rows_left_out: How many more there are; they are in `total`.
        total: All of it.
        total_per_day: The same at this pace for a day.
        unpriced: Models without a price.
        sentence: All of it in words.
        implausible: Calls to models that name more tokens than can be (more than 10^9 in or out): they are in no row and no sum.
    """

    start: Instant
    end: Instant
    by: str
    currency: str
    rows: list[UsageRow]
    rows_left_out: int
    total: Usage
    total_per_day: Usage
    unpriced: list[UnpricedModel]
    sentence: str
    implausible: int = 0
