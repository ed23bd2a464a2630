"""Experimental pieces of PromQL: found in a tree, refused while switched off."""

from __future__ import annotations

import pytest

from tocsin.errors import InvalidInput
from tocsin.query.promql.features import check_features, experimental_features
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.parser import parse
from tocsin.query.promql.signatures import FUNCTIONS


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("sum by (a) (rate(x[5m] offset -1h))", set()),
        ("1 + sum_over_time(mad_over_time(x[5m])[1h:])", {"experimental_functions"}),
        ("first_over_time(x[5m])", set()),
        ("start_timestamp(x)", {"experimental_functions"}),
        ("limit_ratio(0.5, x)", {"experimental_functions"}),
        ("end() - start()", {"experimental_functions"}),
        ("x[5m + 1m]", {"duration_expressions"}),
        ("abs(x offset (1h / 2))", {"duration_expressions"}),
        ("x[1h:step()]", {"duration_expressions"}),
        ("x[1h:] offset -range()", {"duration_expressions"}),
        ("x[(5m)]", set()),
        ("increase(x[5m] anchored)", {"extended_ranges"}),
        ("a + fill_left (0) b", {"fill_modifiers"}),
        ("a + fill (0) mad_over_time(b[2 * 1m])", {"fill_modifiers", "experimental_functions", "duration_expressions"}),
    ],
)
def test_features_are_found(text: str, options: set[str]) -> None:
    """Each experimental piece names the option that allows it."""
    assert set(experimental_features(parse(text))) == options


def test_a_refusal_names_the_option() -> None:
    """What is switched off is refused with its name and the option; switched on it passes."""
    tree = parse('sort_by_label(x, "a")')
    with pytest.raises(InvalidInput, match=r"function sort_by_label\(\) is experimental.*promql\.experimental_functions"):
        check_features(tree, PromqlOptions())
    check_features(tree, PromqlOptions(experimental_functions=True))


def test_what_is_stable_is_on_and_can_be_switched_off() -> None:
    """Arithmetic in ranges, `anchored` and `smoothed` work without a switch; a refusal does not call them experimental."""
    tree = parse("rate(x[2 * 5m] smoothed)")
    check_features(tree, PromqlOptions())
    with pytest.raises(InvalidInput, match=r"^the modifier smoothed is switched off: set promql\.extended_ranges to use it$"):
        check_features(tree, PromqlOptions(extended_ranges=False))


def test_every_function_can_be_called() -> None:
    """Each signature takes what it says: one call with the fewest and one with some more arguments parses."""
    written = {"scalar": "1", "vector": "x", "matrix": "x[5m]", "string": '"s"'}
    for signature in FUNCTIONS.values():
        most = 9 if signature.arguments_max is None else signature.arguments_max
        for number in {signature.arguments_min, min(most, signature.arguments_min + 2)}:
            arguments = [written[signature.argument_type(index).value] for index in range(number)]
            if signature.name == "info" and number > 1:
                arguments[1] = '{a="b"}'
            parse(f"{signature.name}({', '.join(arguments)})")
