"""Binary operators and how the series of two vectors are paired."""

from __future__ import annotations

import pytest
from tests.query.promql.scripts import ask, holds

from tocsin.errors import InvalidInput

STOCK = """
    load 1m
      wanted{item="nut", site="n"} 4 6
      wanted{item="bolt", site="n"} 10 10
      there{item="nut", site="n"} 8 3
      there{item="gear", site="n"} 5 5
      price{item="nut", unit="eur"} 2 2
      price{item="bolt", unit="eur"} 3 3
      tax{site="n", rate="high"} 0.5 0.5
"""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 % 3", "1"), ("-7 % 3", "-1"), ("7.5 % -2", "1.5"), ("1 % 0", "NaN"), ("2 ^ 0.5", "1.4142135623730951"), ("-8 ^ (1/3)", "-2"),
        ("(-8) ^ (1/3)", "NaN"), ("NaN ^ 0", "1"), ("1 ^ NaN", "1"), ("(-1) ^ Inf", "1"), ("0 ^ -1", "Inf"), ("1 / 0", "Inf"),
        ("-1 / 0", "-Inf"),
        ("0 / 0", "NaN"), ("1 atan2 -1", "2.356194490192345"), ("NaN == bool NaN", "0"), ("NaN != bool NaN", "1"), ("3 >= bool 3", "1"),
        ("2 ^ 3 ^ 2", "512"), ("Inf - Inf", "NaN"), ("5 % Inf", "5"),
    ],
)  # fmt: skip
def test_scalars(expression: str, expected: str) -> None:
    """Between scalars the operators are those of IEEE 754 and C."""
    holds(f"""
        eval instant at 0m {expression}
          {expected}
    """)


def test_vector_and_scalar() -> None:
    """Arithmetic drops the name, a comparison keeps it and the vector's value, `bool` makes 0 and 1 of it."""
    holds(
        STOCK
        + """
    eval instant at 0m wanted * 2
      {item="nut", site="n"} 8
      {item="bolt", site="n"} 20

    eval instant at 0m 5 < wanted
      wanted{item="bolt", site="n"} 10

    eval instant at 0m wanted > bool 5
      {item="nut", site="n"} 0
      {item="bolt", site="n"} 1

    eval range from 0m to 1m step 1m wanted{item="nut"} > 5
      wanted{item="nut", site="n"} _ 6

    eval instant at 0m 100 - wanted{item="nut"}
      {item="nut", site="n"} 96
    """
    )


def test_one_to_one() -> None:
    """Series with the same labels meet, others fall away, step by step."""
    holds(
        STOCK
        + """
    eval range from 0m to 1m step 1m there - wanted
      {item="nut", site="n"} 4 -3

    eval range from 0m to 1m step 1m wanted > there
      wanted{item="nut", site="n"} _ 6

    eval instant at 0m wanted * on (item) price
      {item="nut"} 8
      {item="bolt"} 30

    eval instant at 0m wanted * ignoring (site, unit) price
      {item="nut"} 8
      {item="bolt"} 30

    eval instant at 0m wanted < on (item) price + 3
      {item="nut"} 4
    """
    )


def test_many_to_one() -> None:
    """`group_left` keeps the labels of the many and may take some from the one; `group_right` is the other way round."""
    holds(
        STOCK
        + """
    eval instant at 0m wanted * on (site) group_left (rate) tax
      {item="nut", site="n", rate="high"} 2
      {item="bolt", site="n", rate="high"} 5

    eval instant at 0m tax - on (site) group_right there
      {item="nut", site="n"} -7.5
      {item="gear", site="n"} -4.5

    eval instant at 0m tax < on (site) group_right there{item="gear"}
      there{item="gear", site="n"} 0.5

    eval instant at 0m wanted + on (site) group_left (item) tax
      expect fail msg: multiple matches for labels: grouping labels must ensure unique matches
    """
    )


def test_two_partners_are_refused() -> None:
    """Two series of one group on the side of the one, or of both, are an error that names them."""
    with pytest.raises(InvalidInput, match="multiple matches for labels: many-to-one matching must be explicit"):
        ask(STOCK, "wanted * on (site) tax", at_s=0)
    with pytest.raises(InvalidInput, match="found duplicate series for the match group"):
        ask(STOCK, "tax * on (site) wanted", at_s=0)
    with pytest.raises(InvalidInput, match="on the left hand-side of the operation"):
        ask(STOCK, "wanted * on (site) group_right tax", at_s=0)
    assert ask(STOCK, "nothing * on (site) wanted", at_s=0).series == []


def test_partners_may_take_turns() -> None:
    """Two series of one group that are never there at the same step are no conflict."""
    holds("""
        load 1m
          left 1 2 3 4
          right{gen="1"} 10 10 stale
          right{gen="2"} _ _ 20 20

        eval range from 0m to 3m step 1m left * on () right
          {} 10 20 60 80

        eval range from 0m to 3m step 1m left * on () group_left (gen) right
          {gen="1"} 10 20 _ _
          {gen="2"} _ _ 60 80
    """)


def test_sets() -> None:
    """`and` and `unless` pick from the left by what is on the right at the same step, `or` adds what the left lacks."""
    holds("""
        load 1m
          a{n="1"} 1 1 _
          a{n="2"} 2 2 2
          b{n="1"} _ 5 5
          b{n="3"} 7 7 7

        eval range from 0m to 10m step 5m a and b
          a{n="1"} _ 1 _

        eval range from 0m to 2m step 1m a and b
          a{n="1"} _ 1 1

        eval range from 0m to 2m step 1m a unless b
          a{n="1"} 1 _ _
          a{n="2"} 2 2 2

        eval instant at 0m a or b
          a{n="1"} 1
          a{n="2"} 2
          b{n="3"} 7

        eval instant at 0m a and on () nothing

        eval instant at 0m a unless on () b
    """)


def test_fill() -> None:
    """A missing side is filled with a number, where the other is there."""
    holds(
        STOCK
        + """
    eval instant at 0m wanted - fill(0) there
      {item="nut", site="n"} -4
      {item="bolt", site="n"} 10
      {item="gear", site="n"} -5

    eval instant at 0m wanted - fill_left(1) there
      {item="nut", site="n"} -4
      {item="gear", site="n"} -4

    eval instant at 0m wanted - fill_right(1) there
      {item="nut", site="n"} -4
      {item="bolt", site="n"} 9

    eval instant at 0m wanted > fill(6) there
      wanted{item="bolt", site="n"} 10
      {item="gear", site="n"} 6

    eval instant at 0m wanted * on (item) group_left fill_left(2) price{item="bolt"}
      {item="bolt", site="n"} 30

    eval instant at 0m there * on (item) group_left fill_right(2) price
      {item="nut", site="n"} 16
      {item="gear", site="n"} 10

    eval instant at 0m there * on (item) group_left fill_left(3) price
      {item="nut", site="n"} 16
      {item="bolt"} 9

    eval instant at 0m nothing + fill_left(0) there
      {item="nut", site="n"} 8
      {item="gear", site="n"} 5

    eval instant at 0m nothing + fill_right(0) there
    """
    )


def test_native_histograms() -> None:
    """Histograms add, subtract and scale; what cannot be is left out with a remark that names both kinds."""
    holds("""
        load 1m
          took{n="1"} {{schema:0 count:4 sum:8 buckets:[2 2]}}
          base{n="1"} {{schema:0 count:2 sum:3 buckets:[1 1]}}
          plain{n="1"} 2

        eval instant at 0m took - base
          {n="1"} {{schema:0 count:2 sum:5 buckets:[1 1] counter_reset_hint:gauge}}

        eval instant at 0m took / plain
          {n="1"} {{schema:0 count:2 sum:4 buckets:[1 1]}}

        eval instant at 0m 3 * base
          {n="1"} {{schema:0 count:6 sum:9 buckets:[3 3]}}

        eval instant at 0m took == took
          took{n="1"} {{schema:0 count:4 sum:8 buckets:[2 2]}}

        eval instant at 0m took != bool base
          {n="1"} 1

        eval instant at 0m took + plain
          expect info msg: PromQL info: incompatible sample types encountered for binary operator "+": histogram + float

        eval instant at 0m 1 / took
          expect info msg: PromQL info: incompatible sample types encountered for binary operator "/": float / histogram

        eval instant at 0m took * base
          expect info msg: PromQL info: incompatible sample types encountered for binary operator "*": histogram * histogram

        eval instant at 0m -base
          {n="1"} {{schema:0 count:-2 sum:-3 buckets:[-1 -1] counter_reset_hint:gauge}}
    """)


def test_names_that_are_dropped_must_not_make_twins() -> None:
    """Two metrics under the same labels cannot both lose their name; at different steps they become one series."""
    twins = "load 1m\n  first{a='1'} 1 1\n  second{a='1'} 2 2\n"
    with pytest.raises(InvalidInput, match="vector cannot contain metrics with the same labelset"):
        ask(twins, '-{__name__=~"first|second"}', at_s=0)
    holds("""
        load 1m
          first{a="1"} 1 stale
          second{a="1"} _ 2

        eval range from 0m to 1m step 1m {__name__=~"first|second"} * 2
          {a="1"} 2 4
    """, delayed_name_removal=False)  # fmt: skip


def test_delayed_name_removal() -> None:
    """With delayed removal a name is there until the end, so that it can still be looked at, or kept."""
    script = "load 1m\n  first{a='1'} 1\n  second{a='1'} 2\n"
    kept = ask(
        script,
        'label_replace({__name__=~"first|second"} * 2, "__name__", "twice_$1", "__name__", "(.*)")',
        at_s=0,
        delayed_name_removal=True,
    )
    assert sorted(one.labels.metric for one in kept.series) == ["twice_first", "twice_second"]
    with pytest.raises(InvalidInput, match="same labelset"):
        ask(script, '{__name__=~"first|second"} * 2', at_s=0, delayed_name_removal=True)
