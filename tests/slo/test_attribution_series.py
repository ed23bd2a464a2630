"""Attribution by labels of series: sums are taken off, differences kept; and what stands out at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.clock import RealClock
from tocsin.errors import InvalidInput
from tocsin.model.labels import Labels
from tocsin.query.contrast.ranking import Candidate, Whole, causes, sentence_of, share_words, standing_out, value_of
from tocsin.query.metrics import Metrics
from tocsin.query.series.memory import MemorySeries
from tocsin.slo.attribution.series import series_candidates
from tocsin.slo.definition import SeriesRatio

HOUR_NS = 3600 * 10**9
END = 1_760_000_000 * 10**9


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    """Counters of two routes and two codes over an hour, a minute apart: /pay fails 5 times a minute, /cart never."""
    series = MemorySeries()
    for route, code, per_minute in (("/pay", "200", 10), ("/pay", "500", 5), ("/cart", "200", 85), ("/cart", "500", 0)):
        labels = Labels({"__name__": "hits_total", "route": route, "code": code, "job": "shop"})
        series.add(labels, {END // 10**6 - 60_000 * ago: 1e6 - per_minute * ago for ago in range(120)})
    asked = Metrics(cast(Any, series), RealClock())
    yield asked
    asked.close()


def counted(metrics: Metrics, indicator: SeriesRatio) -> tuple[Whole, dict[tuple[str, str], Candidate]]:
    """The last hour."""
    whole, candidates = series_candidates(metrics, indicator, END - HOUR_NS, END)
    return whole, {(one.key, one.value): one for one in candidates}


@pytest.mark.parametrize(
    "indicator",
    [
        SeriesRatio(total="sum(hits_total)", good='sum(hits_total{code="500"})', inverted=True),
        SeriesRatio(total="hits_total", good='hits_total{code!="500"}'),
        SeriesRatio(total="sum(hits_total)", good='sum(hits_total) - sum(hits_total{code="500"})'),
        SeriesRatio(total="2 * sum by (job) (hits_total) / 2", good='(sum(hits_total{code="200"}) or vector(0))'),
    ],
)
def test_labels_tell_who_spent_it(metrics: Metrics, indicator: SeriesRatio) -> None:
    """However the query is written, the labels of its series have their part of what was bad."""
    whole, found = counted(metrics, indicator)
    assert whole.bad == pytest.approx(300, rel=0.02)
    assert whole.total == pytest.approx(6000, rel=0.02)
    assert found["route", "/pay"].bad == pytest.approx(300, rel=0.02)
    assert found["route", "/pay"].total == pytest.approx(900, rel=0.02)
    assert found["route", "/cart"].bad == pytest.approx(0, abs=1) if ("route", "/cart") in found else True
    assert standing_out(list(found.values()), whole)[0].value in {"500", "/pay"}


def test_what_is_no_sum_is_refused(metrics: Metrics) -> None:
    """A maximum has no parts."""
    with pytest.raises(InvalidInput, match="is no sum of counters"):
        counted(metrics, SeriesRatio(total="max(hits_total)", good="hits_total"))


WHOLE = Whole(bad=100, total=1000, bad_events=100)


def candidate(key: str, value: str, bad: float, total: float) -> Candidate:
    """A candidate."""
    return Candidate("attribute", key, value, bad, total)


def test_little_and_chance_do_not_stand_out() -> None:
    """Less than five points more, fewer than three bad events, or what chance does to few events."""
    assert standing_out([candidate("a", "x", 14, 100)], WHOLE) == []
    assert standing_out([candidate("a", "x", 2, 2)], Whole(2, 1000, 2)) == []
    assert standing_out([candidate("a", "x", 3, 450)], Whole(4, 1000, 4)) == []
    assert len(standing_out([candidate("a", "x", 50, 100)], WHOLE)) == 1


def test_a_sentence_names_causes_before_symptoms() -> None:
    """Status codes, exceptions and what the objective itself looks at are no causes; nor is the same under another name."""
    ranked = standing_out(
        [candidate("http.response.status_code", "500", 100, 100), candidate("latency_ms", "9", 90, 90),
         candidate("http.route", "/a", 80, 100), candidate("operation", "GET /a", 80, 100),
         candidate("exception.type", "E", 80, 80), candidate("user.id", "u", 60, 65)],
        WHOLE,
    )  # fmt: skip
    assert [one.key for one in causes(ranked, {"latency_ms"}, most=5)] == ["http.route", "user.id"]
    assert len(causes(ranked, (), most=1)) == 1
    said = sentence_of([ranked[-1]], 60, 65, WHOLE)
    assert said == "60 % of the bad events came from user u, which has 6.5 % of all events"


@pytest.mark.parametrize(
    ("share", "words"), [(0.8212, "82 %"), (0.0213, "2.1 %"), (0.0002, "0.02 %"), (0, "0 %"), (1, "100 %"), (0.0996, "10 %")]
)
def test_shares_in_words(share: float, words: str) -> None:
    """Two digits that matter."""
    assert share_words(share) == words


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_shares_are_shares(bad: float, total: float, all_bad: float, all_of: float) -> None:
    """Whatever was estimated, shares and ratios lie between 0 and 1."""
    value = value_of(candidate("a", "x", bad, total), Whole(all_bad, all_of, all_bad))
    assert all(0 <= share <= 1 for share in (value.bad_share, value.total_share, value.bad_ratio))
