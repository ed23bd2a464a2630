"""The routing configuration of a running server follows its files."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tocsin.alert.options import AlertOptions
from tocsin.app.routing import LiveRouting
from tocsin.clock import ReplayClock
from tocsin.errors import ConfigError

CONFIG = """
route: {receiver: %s}
receivers: [{name: %s, webhook_configs: [{url: http://127.0.0.1:1/}]}]
templates: ["%s"]
"""
TEMPLATE = '{{ define "story" }}%s{{ end }}'


class Files:
    """A configuration with a template beside it."""

    def __init__(self, folder: Path, templates: str = "*.tmpl") -> None:
        self.config, self.template, self._templates = folder / "routes.yml", folder / "story.tmpl", templates
        self.write("team")
        self.template.write_text(TEMPLATE % "one")
        self.live = LiveRouting(AlertOptions(config=str(self.config)), "http://127.0.0.1", clock=ReplayClock(0, speed=0))

    def write(self, receiver: str) -> None:
        """A configuration with one receiver."""
        self.config.write_text(CONFIG % (receiver, receiver, self._templates))


def test_changes_come_into_force_once(tmp_path: Path) -> None:
    """Of the configuration and of its templates; nothing is read while nothing changes."""
    files = Files(tmp_path)
    with closing(files.live) as live:
        assert not live.refresh()
        files.write("other-team")
        assert (live.refresh(), live.refresh(), list(live.config.receivers)) == (True, False, ["other-team"])
        files.template.write_text(TEMPLATE % "two and more")
        assert (live.refresh(), live.refresh()) == (True, False)
        (tmp_path / "more.tmpl").write_text(TEMPLATE % "three")
        assert (live.refresh(), live.refresh()) == (True, False)
        assert live.channel("other-team", "webhook/0") is not None


def test_a_mistake_keeps_what_was_in_force(tmp_path: Path) -> None:
    """It is said until it is mended."""
    files = Files(tmp_path)
    with closing(files.live) as live:
        files.config.write_text("route: {receiver: nobody}")
        assert not live.refresh()
        assert "nobody" in live.mistake
        assert list(live.config.receivers) == ["team"]
        files.write("third-team")
        assert live.refresh()
        assert live.mistake == ""


def test_a_template_file_that_goes_is_a_mistake(tmp_path: Path) -> None:
    """What it said stays in force; at a start without it the server does not run."""
    files = Files(tmp_path, "story.tmpl")
    with closing(files.live) as live:
        files.template.unlink()
        assert not live.refresh()
        assert "story.tmpl can't be read" in live.mistake
    with pytest.raises(ConfigError, match=r"story\.tmpl can't be read"):
        LiveRouting(AlertOptions(config=str(files.config)), "http://127.0.0.1", clock=ReplayClock(0, speed=0))
