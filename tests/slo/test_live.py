"""Definitions that follow their files: good ones stay in force while what is written has mistakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.slo.definition_files import OWN, OWN_REST

from tocsin.clock import ReplayClock
from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.files.live import LiveDefinitions
from tocsin.slo.policy import POLICIES

GOOD = OWN + OWN_REST


class Folder:
    """Files that are written at ever later times."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._time_s = 1_700_000_000

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.path / name
        path.write_text(text, encoding="utf-8")
        self._time_s += 1
        os.utime(path, (self._time_s, self._time_s))

    def live(self, *patterns: str) -> LiveDefinitions:
        """The definitions of patterns inside of it."""
        return LiveDefinitions([str(self.path / pattern) for pattern in patterns], PromqlOptions(), ReplayClock(0, speed=0))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty one."""
    return Folder(tmp_path)


def test_without_files_only_the_shipped_policies_are_there() -> None:
    """And nothing is wrong."""
    live = LiveDefinitions([], PromqlOptions(), ReplayClock(0))
    assert (live.current.objectives, live.current.policies, live.mistakes) == ({}, dict(POLICIES), ())


def test_files_are_read_at_start_and_when_they_change(folder: Folder) -> None:
    """Changed, added, taken away; unchanged files are not read again."""
    folder.write("a.yaml", GOOD)
    live = folder.live("*.yaml")
    assert live.current.objectives["shop"].target == 0.999
    assert not live.refresh()
    assert live.statistics().reads == 1
    folder.write("a.yaml", GOOD.replace("99.9%", "99.5%"))
    assert live.refresh()
    assert live.current.objectives["shop"].target == 0.995
    folder.write("b.yaml", GOOD.replace("name: shop", "name: other"))
    assert live.refresh()
    assert list(live.current.objectives) == ["shop", "other"]
    (folder.path / "a.yaml").unlink()
    assert live.refresh()
    assert list(live.current.objectives) == ["other"]


def test_good_definitions_stay_in_force_until_mistakes_are_mended(folder: Folder) -> None:
    """The mistakes are shown meanwhile, and are gone once mended."""
    folder.write("a.yaml", GOOD)
    live = folder.live("a.yaml")
    folder.write("a.yaml", GOOD.replace("99.9%", "99.9"))
    assert not live.refresh()
    assert live.current.objectives["shop"].target == 0.999
    assert [mistake.line for mistake in live.mistakes] == [6]
    assert (live.statistics().mistakes, live.statistics().objectives, live.statistics().failed_reads) == (1, 1, 1)
    folder.write("a.yaml", GOOD.replace("99.9%", "99%"))
    assert live.refresh()
    assert (live.current.objectives["shop"].target, live.mistakes) == (0.99, ())


def test_a_pattern_that_matches_nothing_is_a_mistake(folder: Folder) -> None:
    """At start and when its last file goes; what was good stays in force."""
    live = folder.live("*.yaml", "gone.yaml")
    assert [mistake.path for mistake in live.mistakes] == [str(folder.path / "*.yaml"), str(folder.path / "gone.yaml")]
    folder.write("a.yaml", GOOD)
    folder.write("gone.yaml", "")
    assert live.refresh()
    assert live.mistakes == ()
    for name in ("a.yaml", "gone.yaml"):
        (folder.path / name).unlink()
    assert not live.refresh()
    assert len(live.mistakes) == 2
    assert list(live.current.objectives) == ["shop"]
    assert live.statistics().files == 0


def test_a_mistake_at_start_is_shown_not_raised(folder: Folder) -> None:
    """Whoever starts decides what to do about it."""
    folder.write("a.yaml", "a: [")
    live = folder.live("a.yaml")
    assert live.current.objectives == {}
    assert len(live.mistakes) == 1


def test_a_file_that_two_patterns_match_is_read_once(folder: Folder) -> None:
    """Else its names would stand there twice."""
    folder.write("a.yaml", GOOD)
    assert folder.live("a.yaml", "*.yaml", "**/*.yaml").mistakes == ()


def test_what_changes_nothing_brings_nothing_into_force(folder: Folder) -> None:
    """A comment more is read, but nobody needs to count anew."""
    folder.write("a.yaml", GOOD)
    live = folder.live("a.yaml")
    folder.write("a.yaml", GOOD + "# nothing\n")
    assert not live.refresh()
    assert live.statistics().reads == 2


def test_at_start_good_files_are_in_force_beside_broken_ones(folder: Folder) -> None:
    """The mistake is shown; the file joins when it is mended, and from then on what is in force stays."""
    folder.write("a.yaml", GOOD)
    folder.write("b.yaml", GOOD.replace("name: shop", "name: other").replace("99.9%", "99.9"))
    live = folder.live("*.yaml")
    assert list(live.current.objectives) == ["shop"]
    assert [Path(mistake.path).name for mistake in live.mistakes] == ["b.yaml"]
    assert (live.statistics().objectives, live.statistics().failed_reads) == (1, 1)
    folder.write("b.yaml", GOOD.replace("name: shop", "name: other"))
    assert live.refresh()
    assert (list(live.current.objectives), live.mistakes) == (["shop", "other"], ())
    folder.write("b.yaml", "- nothing")
    assert not live.refresh()
    assert list(live.current.objectives) == ["shop", "other"]


def test_what_refers_to_a_broken_file_is_left_out_with_it(folder: Folder) -> None:
    """At start: its mistake says that the other file is the reason; what has nothing to do with either is in force."""
    folder.write("a.yaml", GOOD)
    folder.write("b.yaml", GOOD.replace("name: shop", "name: other") + "  dependencies: [third]\n")
    folder.write("c.yaml", GOOD.replace("name: shop", "name: third").replace("99.9%", "99.9"))
    live = folder.live("*.yaml")
    assert list(live.current.objectives) == ["shop"]
    assert [Path(mistake.path).name for mistake in live.mistakes] == ["b.yaml", "c.yaml"]
    assert "left out until the others are mended" in live.mistakes[0].message
    folder.write("c.yaml", GOOD.replace("name: shop", "name: third"))
    assert live.refresh()
    assert sorted(live.current.objectives) == ["other", "shop", "third"]


def test_while_files_are_left_out_others_may_change_but_not_break(folder: Folder) -> None:
    """A good change comes into force, a mistake in a file that was good does not take its objective away."""
    folder.write("a.yaml", GOOD)
    folder.write("b.yaml", "- nothing")
    live = folder.live("*.yaml")
    folder.write("a.yaml", GOOD.replace("99.9%", "99%"))
    assert live.refresh()
    assert live.current.objectives["shop"].target == 0.99
    folder.write("a.yaml", GOOD.replace("99.9%", "99"))
    assert not live.refresh()
    assert live.current.objectives["shop"].target == 0.99
    assert len(live.mistakes) >= 2


def test_at_start_a_pattern_without_files_keeps_no_other_out(folder: Folder) -> None:
    """It is a mistake, and what is there is in force."""
    folder.write("a.yaml", GOOD)
    live = folder.live("a.yaml", "b.yaml")
    assert list(live.current.objectives) == ["shop"]
    assert "no file is called so" in live.mistakes[0].message
    (folder.path / "a.yaml").unlink()
    assert not live.refresh()
    assert list(live.current.objectives) == ["shop"]


def test_files_that_are_all_broken_leave_nothing(folder: Folder) -> None:
    """Only the policies that ship."""
    folder.write("a.yaml", "- nothing")
    live = folder.live("*.yaml")
    assert (live.current.objectives, dict(live.current.policies)) == ({}, dict(POLICIES))
    assert live.mistakes
