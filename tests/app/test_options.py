"""The tree of options and its sources: precedence, and every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.app.option_mistakes import ConfigMistakes
from tocsin.app.option_sources import load
from tocsin.app.options import Options
from tocsin.clock import RealClock, ReplayClock
from tocsin.model.instant import parse_instant

CONFIGS = sorted((Path(__file__).parent / "configs").glob("*.yaml"))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_each_mistake_is_named_with_its_place(config: Path, tmp_path: Path) -> None:
    """A wrong file is answered with the lines that stand at its head as comments."""
    text = config.read_text(encoding="utf-8")
    expected = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")]
    file = tmp_path / "tocsin.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigMistakes) as caught:
        load(file=file)
    assert str(caught.value).replace(str(file), "tocsin.yaml").splitlines() == expected


def test_nothing_given_means_the_defaults() -> None:
    """Without any source, the options are the tree's defaults."""
    assert load() == Options()


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    """A file in which everything is commented out, or only a group's name stands, changes nothing."""
    file = tmp_path / "tocsin.yaml"
    file.write_text("# nothing\njournal:\n  # segment_bytes_max: 1\nserver: {}\n", encoding="utf-8")
    assert load(file=file) == Options()


def test_a_flag_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    """Each source overrides the one before it, option by option."""
    file = tmp_path / "tocsin.yaml"
    file.write_text("journal: {queue_bytes_max: 2000, commit_bytes_max: 2000, segment_bytes_max: 2000}\n", encoding="utf-8")
    environment = {"TOCSIN_JOURNAL__COMMIT_BYTES_MAX": "3000", "TOCSIN_JOURNAL__SEGMENT_BYTES_MAX": "3000"}
    options = load(file=file, environment=environment, flags={"journal.segment_bytes_max": ("--segment", 4000)}).journal
    assert (options.queue_bytes_max, options.commit_bytes_max, options.segment_bytes_max) == (2000, 3000, 4000)


def test_the_environment_takes_lists_nulls_and_groups() -> None:
    """A variable's text is read as YAML, so that no option is out of its reach."""
    environment = {
        "TOCSIN_SERVER__HOSTS": "[desk.example, desk]",
        "TOCSIN_STORE__RETENTION": "{traces_days: null, logs_days: 7}",
        "TOCSIN_CLOCK__START": "2017-03-01T00:00:00Z",
        "PATH": "/bin",
    }
    options = load(environment=environment)
    assert options.server.hosts == ("desk.example", "desk")
    assert (options.store.retention.traces_days, options.store.retention.logs_days) == (None, 7)
    assert options.clock.start == "2017-03-01T00:00:00Z"


def test_a_misspelt_variable_is_a_mistake() -> None:
    """A variable that begins with TOCSIN_ and names no option is reported, with the nearest that does."""
    with pytest.raises(ConfigMistakes) as caught:
        load(environment={"TOCSIN_JURNAL__QUEUE_BYTES_MAX": "1", "TOCSIN_URL": "http://elsewhere", "TOCSIN_TEST_CLICKHOUSE_URL": "x"})
    assert "TOCSIN_JURNAL__QUEUE_BYTES_MAX: jurnal.queue_bytes_max: no option is called so" in str(caught.value)
    assert "did you mean 'TOCSIN_JOURNAL'?" in str(caught.value)


def test_mistakes_of_all_sources_come_at_once(tmp_path: Path) -> None:
    """File, environment and flags are all checked before anything is said."""
    file = tmp_path / "tocsin.yaml"
    file.write_text("log: {level: loud}\n", encoding="utf-8")
    with pytest.raises(ConfigMistakes) as caught:
        load(file=file, environment={"TOCSIN_SERVER__DRAIN_S": "-1"}, flags={"server.grpc": ("--grpc", "here")})
    places = [str(mistake.place).replace(str(file), "FILE") for mistake in caught.value.mistakes]
    assert sorted(places) == ["--grpc", "FILE:1:7", "TOCSIN_SERVER__DRAIN_S"]


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """A file that can't be read is a mistake with its name and the reason."""
    with pytest.raises(ConfigMistakes, match=r"none.yaml: the file can't be read: No such file or directory"):
        load(file=tmp_path / "none.yaml")


def test_secrets_never_print() -> None:
    """Neither the options' text nor their JSON shows a password."""
    options = load(environment={"TOCSIN_STORE__ENGINE__URL": "http://desk:open-sesame@engine:8123/tocsin"})
    assert "open-sesame" not in f"{options!r} {options} {options.model_dump_json()} {options.model_dump(mode='json')}"
    with pytest.raises(ConfigMistakes) as caught:
        load(environment={"TOCSIN_STORE__ENGINE__URL": "[http://desk:open-sesame@engine]"})
    assert "open-sesame" not in str(caught.value)
    with pytest.raises(ConfigMistakes) as caught:
        load(environment={"TOCSIN_STORE__ENGINE": "http://desk:open-sesame@engine/"})
    assert "open-sesame" not in str(caught.value)


def test_listening_unprotected_has_to_be_said() -> None:
    """An address that other machines reach is taken once the option says so."""
    flags = {"server.http": ("--http", "0.0.0.0:4318")}
    with pytest.raises(ConfigMistakes):
        load(flags=flags)
    allowed = load(flags={**flags, "server.listen_unprotected": ("--listen-unprotected", True)})
    assert allowed.server.http_address.host == "0.0.0.0"


def test_the_clock_is_real_or_replayed() -> None:
    """The clock's options make the clock that they describe."""
    assert isinstance(Options().clock.clock(), RealClock)
    replayed = load(flags={"clock.start": ("--clock", "2017-03-01"), "clock.speed": ("--clock", 0)}).clock.clock()
    assert isinstance(replayed, ReplayClock)
    assert replayed.now_ns() == parse_instant("2017-03-01")
