"""
What was used and what it cost: requests, tokens, bytes and money per tenant, route or model, and the same at this pace for a day.

A model without a price costs what nobody knows: it is listed as unpriced and its tokens are counted, but no sum of money pretends to hold
them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tocsin.errors import InvalidInput
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange
from tocsin.model.usage import CostSignals, UnpricedModel, Usage, UsageRow
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.query.signals.words import show_count
from tocsin.query.usage.options import CostOptions, ModelPrice
from tocsin.store.read_costs import TOKENS_MAX, calls_by_entry, calls_by_model, calls_by_tenant, requests_by
from tocsin.store.read_range import Within
from tocsin.store.sql import ParameterNames

DIMENSIONS = ("tenant", "route", "model")
ROWS_LISTED_MAX = 1000
MILLION = 1_000_000
DAY_S = 86_400


@dataclass(slots=True)
class _Tally:
    """Usage while it is added up."""

    requests: int | None = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    received: int = 0
    sent: int = 0
    money: float = 0.0
    priced: bool = False
    unpriced: int = 0

    def add(self, other: _Tally) -> None:
        self.requests = None if self.requests is None or other.requests is None else self.requests + other.requests
        for name in ("calls", "input_tokens", "output_tokens", "received", "sent", "money", "unpriced"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.priced = self.priced or other.priced

    def usage(self, scale: float = 1.0) -> Usage:
        """As it is answered; `scale` for another length of time."""
        return Usage(
            requests=None if self.requests is None else round(self.requests * scale),
            model_calls=round(self.calls * scale),
            input_tokens=round(self.input_tokens * scale),
            output_tokens=round(self.output_tokens * scale),
            received_bytes=round(self.received * scale),
            sent_bytes=round(self.sent * scale),
            money=None if self.unpriced and not self.priced else self.money * scale,
            unpriced_tokens=round(self.unpriced * scale),
        )


class CostQuestions:
    """Safe to use from several threads."""

    def __init__(self, reading: Reading, options: CostOptions | None = None) -> None:
        self._reading = reading
        self._options = options or CostOptions()

    def signals(self, start: Instant, end: Instant, *, by: str = "tenant", limit: int = 50) -> CostSignals:
        """
        Usage and money of a range.

        Args:
            start: First instant.
            end: First instant after it.
            by: `tenant`, `route` or `model`.
            limit: Most rows, 1 to 1,000; the rest is in the total.

        Raises:
            InvalidInput: The range is empty, or `by` is none of these.
            Timeout: It took too long.
        """
        checked_limit(limit, most=ROWS_LISTED_MAX)
        if by not in DIMENSIONS:
            raise InvalidInput(f"costs can be told by {', '.join(DIMENSIONS)}, not by {by!r}")
        if not TimeRange(start, end).duration_ns:
            raise InvalidInput("the range is empty: costs need a time in which something was used")
        tallies, calls = self._tallies(by, Within(start, end))
        unpriced, implausible = self._unpriced(calls), sum(call[-1] for call in calls)
        total = _Tally(requests=None if by == "model" else 0)
        for tally in tallies.values():
            total.add(tally)
        scale = DAY_S * NANOSECONDS / (end - start)
        ranked = sorted(tallies.items(), key=_rank)
        rows = [UsageRow(name, tally.usage(), tally.usage(scale)) for name, tally in ranked[:limit]]
        return CostSignals(
            start=start,
            end=end,
            by=by,
            currency=self._options.currency,
            rows=rows,
            rows_left_out=len(ranked) - len(rows),
            total=total.usage(),
            total_per_day=total.usage(scale),
            unpriced=unpriced,
            sentence=_sentence(total, scale, unpriced, self._options.currency) + _left_out(implausible),
            implausible=implausible,
        )

    def _tallies(self, by: str, within: Within) -> tuple[Mapping[str, _Tally], list[list[Any]]]:
        """Usage by name, and the calls to models: name, model, calls, tokens in and out, implausible calls."""
        keys = self._options.tenant_keys
        if by == "model":
            requests: list[list[Any]] = []
            calls = self._reading.rows(calls_by_model(within, ParameterNames()))
        else:
            by_call = (
                calls_by_tenant(within, keys, ParameterNames()) if by == "tenant" else calls_by_entry(by, within, keys, ParameterNames())
            )
            requests, calls = self._reading.rows_of_both(requests_by(by, within, keys, ParameterNames()), by_call)
            if by == "tenant" and any(not call[0] for call in calls):
                nameless = self._reading.rows(calls_by_entry(by, within, keys, ParameterNames()))
                calls = [*(call for call in calls if call[0]), *nameless]
        tallies: dict[str, _Tally] = defaultdict(_Tally)
        for name, count, received, sent in requests:
            tallies[name].add(_Tally(requests=count, received=received, sent=sent))
        for name, model, count, input_tokens, output_tokens, _ in calls:
            if count:
                tallies[name].add(self._called(model, count, input_tokens, output_tokens))
        if by == "model":
            for tally in tallies.values():
                tally.requests = None
        return tallies, calls

    def _called(self, model: str, calls: int, input_tokens: int, output_tokens: int) -> _Tally:
        price = price_of(model, self._options.prices)
        tally = _Tally(calls=calls, input_tokens=input_tokens, output_tokens=output_tokens)
        if price is None:
            tally.unpriced = input_tokens + output_tokens
        else:
            tally.money = (input_tokens * price.input_per_million + output_tokens * price.output_per_million) / MILLION
            tally.priced = True
        return tally

    def _unpriced(self, calls: Iterable[Sequence[Any]]) -> list[UnpricedModel]:
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for _, model, *counts, _ in calls:
            if any(counts[1:]) and price_of(model, self._options.prices) is None:
                sums[model] = [known + more for known, more in zip(sums[model], counts, strict=True)]
        found = [UnpricedModel(model, *counts) for model, counts in sums.items()]
        return sorted(found, key=lambda one: (-(one.input_tokens + one.output_tokens), one.model))


def _rank(item: tuple[str, _Tally]) -> tuple[float, int, int, str]:
    name, tally = item
    return -tally.money, -tally.unpriced, -(tally.requests or tally.calls), name


def price_of(model: str, prices: Mapping[str, ModelPrice]) -> ModelPrice | None:
    """The price of a model: under its own name, else under the longest name with `*` that fits; None when there is none."""
    if model in prices:
        return prices[model]
    fitting = [name for name in prices if name.endswith("*") and model.startswith(name[:-1])]
    return prices[max(fitting, key=len)] if fitting else None


def _sentence(total: _Tally, scale: float, unpriced: Sequence[UnpricedModel], currency: str) -> str:
    tokens = total.input_tokens + total.output_tokens
    calls = show_count(total.calls, "call to models", "calls to models")
    served = "" if total.requests is None else f"{show_count(total.requests, 'request')}, "
    words = f"{served}{calls} with {show_count(tokens, 'token')}"
    if total.priced:
        words += f", {total.money:,.2f} {currency} ({total.money * scale:,.2f} {currency} a day at this pace)"
    if unpriced:
        names = ", ".join(one.model or "a model without a name" for one in unpriced[:3])
        more = f" and {len(unpriced) - 3} more" if len(unpriced) > 3 else ""
        words += f"; {total.unpriced:,} tokens of {names}{more} have no price (usage.costs.prices)"
    return words


def _left_out(implausible: int) -> str:
    if not implausible:
        return ""
    calls, they = show_count(implausible, "call"), "it names" if implausible == 1 else "they name"
    return f"; {calls} left out of every sum: {they} more than {TOKENS_MAX:,} tokens in or out, more than can be"
