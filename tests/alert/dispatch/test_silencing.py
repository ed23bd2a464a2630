"""Silences are found by their index exactly where they match."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tocsin.alert.dispatch.kept import Kept
from tocsin.alert.dispatch.silencing import SilenceIndex
from tocsin.model.alert import Alert, Silence
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher, MatchOperator

NAMES = st.sampled_from(["alertname", "service", "instance"])
PATTERNS = st.sampled_from(["a", "a|b", "", ".*", ".+", "b?", "[^a]", "(?i)A", "a\nb", "x.y"])
VALUES = st.sampled_from(["", "a", "b", "A", "a\nb", "x\ny", "\ud800", "c"])
matchers = st.builds(Matcher, NAMES, st.sampled_from(list(MatchOperator)), PATTERNS)


@given(st.lists(st.lists(matchers, min_size=1, max_size=3), max_size=70), st.lists(st.dictionaries(NAMES, VALUES), max_size=5))
def test_the_index_finds_what_a_look_at_each_finds(all_matchers: list[list[Matcher]], all_labels: list[dict[str, str]]) -> None:
    """Whatever they ask for: values, expressions, absence, or their contraries."""
    silences = [Silence(str(number), tuple(found), 0, 100, "ana", "") for number, found in enumerate(all_matchers)]
    index = SilenceIndex()
    index.replace(silences)
    for values in all_labels:
        labels = Labels(values)
        kept = Kept("", Alert(labels))
        assert sorted(index.holding(kept, 50)) == sorted(silence.id for silence in silences if silence.matches(labels))
        assert index.holding(kept, 100) == ()


def test_changed_silences_are_seen() -> None:
    """What an alert remembers of silences lasts until there are others."""
    index, kept = SilenceIndex(), Kept("", Alert(Labels({"a": "b"})))
    silence = Silence("s", (Matcher("a", MatchOperator.EQUAL, "b"),), 0, 100, "ana", "")
    for silences, ids in (([silence], ("s",)), ([], ()), ([silence], ("s",))):
        index.replace(silences)
        assert index.holding(kept, 1) == ids
