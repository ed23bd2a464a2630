"""Templates of rules: what they give, what is said of those that don't read, and that they are caged."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.alert.rules.rendering import TextData
from tocsin.alert.template.rule_functions import FUNCTION_NAMES, RuleRender, expand_rule_template, parse_rule_template
from tocsin.alert.template.template import Template
from tocsin.errors import InvalidInput, LimitExceeded, ParseError, TocsinError
from tocsin.model.instant import NANOSECONDS

LABELS = {"job": "api", "instance": "db:9100"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{ $labels.instance | stripPort }} is at {{ $value | humanizePercentage }}", "db is at 25%"),
        ("{{ if gt $value 0.5 }}high{{ else if gt $value 0.2 }}middle{{ else }}low{{ end }}", "middle"),
        ("{{ range $name, $text := $labels }}{{ $name }}={{ $text }} {{ end }}", "instance=db:9100 job=api "),
        ("{{ with $labels.nothing }}a{{ else }}b{{ end }}", "b"),
        ("a {{- /* a comment */ -}} b", "ab"),
        ('{{ define "x" }}<{{ . }}>{{ end }}{{ template "x" $labels.job }}', "<api>"),
        ("{{ .ExternalURL }}{{ externalURL }} {{ pathPrefix }}", "http://ops/tocsinhttp://ops/tocsin /tocsin"),
        ("{{ now }}", "1000"),
        ("{{ $externalLabels.site }}", "north"),
        ('{{ tmpl "console" . }}', ""),
        ("{{ printf `%.1f and %5d|` $value 42 }}", "0.2 and    42|"),
        ("{{ query `up` | first | value }}", "7"),
        ("{{ $value | }}", "0.25"),
        ("{{ range query `up` }}{{ .Labels.job }}{{ end }}", "up at 1000"),
    ],
)
def test_templates_are_filled_in(text: str, filled: str) -> None:
    """Labels, values, blocks, pipelines and functions give what Prometheus' documentation says."""
    render = RuleRender(lambda query, at: [({"job": f"{query} at {at // NANOSECONDS}"}, 7.0)])
    data = TextData(LABELS, 0.25, {"site": "north"}, "http://ops/tocsin")
    assert render("x", text, data, 1000 * NANOSECONDS) == filled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ $labels.job", "line 1, column 1 of the template: the action '{{ $labels.job' is not closed"),
        ("a\n {{ $lables.job }}", "line 2, column 5 of the template: no variable is called $lables; did you mean '$labels'?"),
        ("{{ humanise 1 }}", "no function is called 'humanise'; did you mean 'humanize'?"),
        ("{{ if true }}x", "{{ if }} has no {{ end }}"),
        ("x{{ end }}", "{{ end }} belongs to no block"),
        ("{{ else }}", "{{ else }} belongs to no block"),
        ("{{ if true }}{{ else }}{{ else }}{{ end }}", "a second {{ else }}"),
        ("{{ }}", "the action needs a value"),
        ("{{ | $value }}", "expected a value or a function, found '|'"),
        ("{{ $value | 5 }}", "a value can't stand after '|'"),
        ("{{ (1 }}", "expected ')', found '}}'"),
        ("{{ 1) }}", "expected '}}', found ')'"),
        ('{{ "x }}', 'a text that begins with " is not closed'),
        ("{{ 1x }}", "'1x' is no number"),
        ("{{ a{{ b }}", "an action can't stand within an action"),
        ("{{ break }}", "{{ break }} stands outside of any range"),
        ("{{ template x }}", "expected the name of a template in quotes after template, found 'x'"),
        ('{{ if true }}{{ define "x" }}{{ end }}{{ end }}', "must stand outside of other blocks"),
        ("{{/* never closed", "a comment must end with '*/}}'"),
        ('{{ "\\z" }}', "is no escape that Go knows"),
        ("{{ 'ab' }}", "is not one character"),
        ("{{ 99999999999999999999 }}", "larger than 64 bits"),
        ("{{ nil.x }}", "'nil' has no fields"),
        ("{{ # }}", "'#' means nothing in an action"),
        ("{{ printf`x` }}", "expected a space or the end of the action"),
        ("{{ " + "(" * 50 + "1" + ")" * 50 + " }}", "more than 40 deep"),
        ("x" * 1_000_001, "a template has at most 1,000,000"),
    ],
)
def test_what_does_not_read_is_said_with_its_place(text: str, said: str) -> None:
    """A mistake has its line and column, says what was expected, and what was probably meant."""
    with pytest.raises(ParseError) as refused:
        parse_rule_template(text)
    assert said in str(refused.value)
    assert refused.value.position is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ gt $value 5 }}", "a float64 can't be compared with a int; write 5.0"),
        ("{{ query `nothing` | first }}", "first() of a query that found nothing"),
        ("{{ toUpper $value }}", "toUpper takes a value of type string, found one of type float64"),
        ("{{ toUpper }}", "toUpper takes 1 value, found 0"),
        ("{{ .Nope }}", "struct has no field Nope; it has Labels, ExternalLabels, ExternalURL, Value"),
        ("{{ $labels.job.x }}", "a value of type string has no field x"),
        ("{{ $labels.job 1 }}", "can't be given arguments"),
        ('{{ template "x" }}', "no template is called 'x'"),
        ("{{ match `(` `x` }}", "error parsing regexp"),
        ("{{ slice `abc` 5 }}", "whole numbers from 0 to 3"),
        ("{{ index $labels 1 }}", "a map is asked for a text"),
        ("{{ nil }}", "nil alone"),
        ("{{ print and }}", "and needs at least one value"),
        ("{{ $z = 3 }}", "no variable is called $z; write := where it begins"),
        ("{{ and false ($z := 3) }}{{ $z }}", "$z has no value here"),
    ],
)
def test_what_fails_is_said_in_the_text(text: str, said: str) -> None:
    """As with Prometheus an alert whose text fails is told, with the reason as its text."""
    filled = expand_rule_template(text, LABELS, 0.25, query=lambda query, at: [])
    assert filled.startswith("<error expanding template: ")
    assert said in filled


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}', "deep"),
        ("{{ range 1000000000 }}{{ end }}", "steps"),
        ("{{ range 99999 }}{{ range 99999 }}{{ end }}{{ end }}", "steps"),
        ("{{ $x := `ab` }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}", "characters"),
        ("{{ $x := args }}{{ range 60 }}{{ $x = args $x $x }}{{ end }}{{ $x }}", "deep"),
        ("{{ $x := args }}{{ range 19 }}{{ $x = args $x $x $x $x }}{{ end }}{{ $x }}", "characters"),
        ("{{ printf `%1000001d` 1 }}", "width"),
        ("{{ printf `%999999d%999999d%999999d` 1 1 1 }}", "characters"),
        ("{{ $x := printf `%0100000d` 1 }}{{ range 90 }}{{ $x }}{{ end }}", "characters come out"),
        ("{{ $x := printf `%0100000d` 1 }}{{ reReplaceAll `0` $x $x }}", "costs too much"),
        ("{{ $x := printf `%0100000d` 1 }}{{ reReplaceAll `(0.*x)|0` `` $x }}", "costs too much"),
        ("{{ parseDuration (printf `%099999dh` 1) }}", "no length of time"),
    ],
)
def test_templates_are_caged(text: str, said: str) -> None:
    """Endless loops, templates within themselves and texts that grow end with an error, soon and within bounded memory."""
    filled = expand_rule_template(text, LABELS, 1.0)
    assert filled.startswith("<error expanding template: ")
    assert said in filled


def test_a_limit_is_its_own_kind_of_error() -> None:
    """Whoever catches it can tell what costs too much from what is wrong."""
    with pytest.raises(LimitExceeded):
        Template.parse("{{ range 1000000 }}x{{ end }}").execute(None)
    with pytest.raises(InvalidInput, match="nothing can be queried here"):
        RuleRender()("x", "{{ query `up` }}", TextData({}, 0.0), 0)


WORDS = """{{ }} {{- -}} if else end range with define template block break continue . $x $labels .job .Labels := = | ( ) , "a" `b` 'c'
1 2.5 true nil print printf eq lt index len and or not humanize text /* */ args slice first query é"""
PIECES = st.sampled_from([*WORDS.split(), " ", "\n", "\0"])
ARGUMENTS = st.sampled_from(["1", "-2.5", "`x`", "nil", "$labels", "(args 1)", "true", "."])


@given(st.lists(PIECES, max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_text_or_a_reason(pieces: list[str]) -> None:
    """Whatever stands in a template, it is filled in or refused with an error of the tree."""
    text = " ".join(pieces) if len(pieces) % 2 else "".join(pieces)
    assert isinstance(expand_rule_template(text, LABELS, 1.0, query=lambda query, at: []), str)


@given(
    st.sampled_from(sorted(FUNCTION_NAMES)),
    st.lists(ARGUMENTS, max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_any_arguments_give_a_text_or_a_reason(name: str, arguments: list[str]) -> None:
    """Every function takes or refuses whatever it is given."""
    with contextlib.suppress(TocsinError):
        RuleRender(lambda query, at: [])("x", f"{{{{ {name} {' '.join(arguments)} }}}}", TextData(LABELS, 1.0), 0)
