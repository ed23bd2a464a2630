"""Test scripts as commands."""

from __future__ import annotations

import pytest

from tocsin.testing.promqltest.grammar import Clear, Evaluation, Expectation, Grid, Load, Topic, Unreadable, parse_time, read_script

SCRIPT = """
# Two series.
load 30s
  a{x="1"} 1 2
    b 3
clear
load_with_nhcb 1m
\tc_bucket{le="+Inf"} 5

eval instant at 1m30s sum(a) # not a comment of the script
    expect warn msg: "something odd"
    expect info regex: odd (thing|one)
    expect no_warn
  {} 3

eval range from -1m to 5 step 500ms a + b
  {x="1"} 1 _ 2
eval_ordered instant at 7 topk(2, a)
eval_fail instant at 0 label_replace(a)
  expected_fail_message not this way
eval instant at 0 1
    12.5e1

eval instant at 0 "x"
  expect string "x"
eval instant at 5m a[2m]
  expect range vector from 4m to 5m step 30s
  a 1 2 3
"""


def test_a_script_is_a_list_of_commands() -> None:
    """Commands come in order with their lines; empty lines and comments end them, indentation is of no matter."""
    commands = read_script(SCRIPT)
    lines = [(type(command).__name__, command.line) for command in commands]
    assert lines == [("Load", 3), ("Clear", 6), ("Load", 7), *(("Evaluation", line) for line in (10, 16, 18, 19, 21, 24, 26))]
    load, custom = commands[0], commands[2]
    assert isinstance(load, Load)
    assert isinstance(custom, Load)
    assert (load.step_ms, [series.labels.metric for series in load.series], load.with_custom_buckets) == (30_000, ["a", "b"], False)
    assert custom.with_custom_buckets


def test_a_series_may_be_called_like_a_command() -> None:
    """A series called load or clear is one where it cannot be a command."""
    (found,) = read_script("load 5m\n load 5\n clear 1\n eval 2\n")
    assert isinstance(found, Load)
    assert [series.labels.metric for series in found.series] == ["load", "clear", "eval"]


def evaluation(text: str) -> Evaluation:
    """The only command of a script, an evaluation."""
    (found,) = read_script(text)
    assert isinstance(found, Evaluation), found
    return found


def test_instants_and_ranges() -> None:
    """A query stands at an instant or over a range; the rest of the line is the query."""
    instant = evaluation("eval instant at 1m30s sum(a) # more")
    assert (instant.time_ms, instant.grid, instant.query) == (90_000, None, "sum(a) # more")
    between = evaluation("eval range from -1m to 5 step 500ms a + b")
    assert (between.time_ms, between.grid, between.query) == (None, Grid(-60_000, 5000, 500), "a + b")
    assert evaluation("eval instant vector(1)").time_ms == 0


def test_expectations() -> None:
    """What is said about messages and order is read in its new and its old writing."""
    lines = ('warn msg: "odd one"', "info regex: odd .*", "no_warn", "ordered", "fail msg: no: way")
    found = evaluation("eval instant at 0 a\n" + "\n".join(f"  expect {line}" for line in lines))
    assert found.expectations == (
        Expectation(Topic.WARN, "odd one"),
        Expectation(Topic.INFO, None, "odd .*"),
        Expectation(Topic.NO_WARN),
        Expectation(Topic.ORDERED),
        Expectation(Topic.FAIL, "no: way"),
    )
    for word, topic in (("fail", Topic.FAIL), ("warn", Topic.WARN), ("info", Topic.INFO), ("ordered", Topic.ORDERED)):
        assert evaluation(f"eval_{word} instant at 0 a").expectations == (Expectation(topic),)
    old = evaluation("eval_fail instant at 0 a\n expected_fail_message not so\n expected_fail_regexp s.*")
    assert old.about(Topic.FAIL)[1:] == [Expectation(Topic.FAIL, "not so"), Expectation(Topic.FAIL, None, "s.*")]


def test_scalars_strings_and_range_vectors() -> None:
    """A number alone is a scalar; a range vector says which instants its points have, and the query is asked at the last one."""
    assert evaluation("eval instant at 0 1\n 12.5e1").scalar == 125
    assert evaluation('eval instant at 0 "x"\n expect string `x y`').text == "x y"
    found = evaluation("eval instant at 9m a[2m]\n expect range vector from 4m to 5m step 30s\n a 1 2 3")
    assert (found.time_ms, found.grid) == (300_000, Grid(240_000, 300_000, 30_000))


@pytest.mark.parametrize(
    "text",
    [
        "lode 5m", "load", "load soon", "load 5m\n x 1 2 three", "eval instantly at 0 a",
        "eval range from 0 to 5m a",
        "eval instant at soon a",
        "eval range from 5m to 0 step 1m a", "eval range from 0 to 5m step 0 a", "eval instant at 0 a\n expect rain",
        "eval instant at 0 a\n 1 2",
    ],
)  # fmt: skip
def test_what_cannot_be_read_does_not_stop_the_rest(text: str) -> None:
    """A command that is none is reported where it stands, and the next one is read."""
    found = read_script(f"{text}\n\nclear\n")
    assert isinstance(found[0], Unreadable)
    assert found[0].reason
    assert found[1:] == [Clear(text.count("\n") + 3)]


def test_times() -> None:
    """Times are durations with a sign or plain seconds."""
    assert [parse_time(text) for text in ("5m", "-30s", "1.5", "-2", "0", "1h30m")] == [300_000, -30_000, 1500, -2000, 0, 5_400_000]
