"""The routing configuration of a running server: read at the start, read again when its files change, and the channels it names."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.alert.notify.building import build_channels, template_mistakes
from tocsin.alert.notify.channel import Channel
from tocsin.alert.options import AlertOptions
from tocsin.alert.page.text import PageText
from tocsin.alert.routing.config import AlertingConfig, default_config, read_config
from tocsin.alert.routing.receivers import ChannelInfo, Receiver
from tocsin.alert.template.notification_texts import NotificationTemplates
from tocsin.clock import Clock
from tocsin.errors import ConfigError, TocsinError
from tocsin.model.notification import Notification
from tocsin.query.followed_files import Stamp, files_matching, is_pattern, stamps_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Routing:
    """
    What is in force.

    Args:
        config: Routes and receivers.
        templates: Of the same configuration.
        channels: By receiver and name.
        stamps: Of the files that say so, as they were just before they were read.
    """

    config: AlertingConfig
    templates: NotificationTemplates
    channels: Mapping[tuple[str, str], Channel] = field(default_factory=dict)
    stamps: tuple[tuple[Path, Stamp], ...] = ()


class LiveRouting:
    """
    The configuration that follows its file; one with a mistake never takes the place of the last good one. Safe to use from any thread.

    Args:
        options: Where it is, and how long a delivery may take.
        external_url: Where people reach this server.
        clock: The present.

    Raises:
        ConfigError: It can't be read at the start; says everything that is wrong.
    """

    def __init__(self, options: AlertOptions, external_url: str, *, clock: Clock) -> None:
        self._options = options
        self._external_url = external_url
        self._clock = clock
        self._lock = threading.Lock()
        self._current = self._read()
        self._stamps = self._current.stamps
        self._closing: Routing | None = None
        self.mistake = ""

    @property
    def config(self) -> AlertingConfig:
        """Routes and receivers in force."""
        return self._current.config

    def refresh(self) -> bool:
        """Look whether files changed, and read them if so; True when another configuration came into force."""
        with self._lock:
            stamps = stamps_of([*self._config_files(), *self._template_files(self.config)])
            if stamps == self._stamps:
                return False
            self._stamps = stamps
            try:
                found = self._read()
            except TocsinError as error:
                self.mistake = str(error)
                logger.error("alert.config changed, and what was in force stays: %s", error)
                return False
            self.mistake, self._stamps = "", found.stamps
            # What is on its way through the channels of now may end: they are closed when the next configuration comes.
            self._closing, stale, self._current = self._current, self._closing, found
        _close(stale)
        return True

    def channel(self, receiver: str, name: str) -> Channel | None:
        """A channel of a receiver; None when there is none of that name."""
        return self._current.channels.get((receiver, name))

    def infos(self, receiver: str) -> Sequence[ChannelInfo]:
        """The channels of a receiver that the configuration names."""
        found = self.config.receivers.get(receiver)
        return found.channels if found is not None else ()

    def build(self, receiver: Receiver) -> list[Channel]:
        """Channels of a receiver that stands elsewhere, with the templates in force."""
        return build_channels(receiver, self._current.templates, clock=self._clock, timeout_s=self._options.attempt_timeout_s)

    def close(self) -> None:
        """Let connections go; idempotent."""
        _close(self._closing)
        _close(self._current)

    def _read(self) -> Routing:
        stamps = stamps_of(self._config_files())
        config = read_config(Path(self._options.config)) if self._options.config else default_config()
        template_files = self._template_files(config)
        stamps += stamps_of(template_files)
        files = {str(path): _text_of(path) for path in template_files}
        templates = NotificationTemplates.read(files, self._external_url)
        mistakes = [mistake for receiver in config.receivers.values() for mistake in template_mistakes(receiver)]
        if mistakes:
            raise ConfigError("; ".join(mistakes), key="alert.config")
        for remark in config.remarks:
            logger.warning("alert.config: %s", remark)
        channels = {
            (name, channel.name): channel
            for name, receiver in config.receivers.items()
            for channel in build_channels(receiver, templates, clock=self._clock, timeout_s=self._options.attempt_timeout_s)
        }
        return Routing(config, templates, channels, stamps)

    def _config_files(self) -> list[Path]:
        return [Path(self._options.config)] if self._options.config else []

    def _template_files(self, config: AlertingConfig) -> list[Path]:
        """Those of the configuration, and those of the options."""
        return [path for pattern in (*config.templates, *self._options.templates) for path in _matching(pattern)]


class DeskChannel:
    """What a receiver has that has no channel at all: its notifications are seen on the desk, and open incidents, but nobody is told."""

    name = "desk/0"
    send_resolved = True

    def send(self, notification: Notification, page: PageText, /) -> str:  # noqa: ARG002 - a Channel
        """Nothing is sent."""
        return f"shown on the desk alone: the receiver {notification.receiver} has no integration and no chain of escalation"

    def close(self) -> None:
        """There is nothing to close."""


DESK = DeskChannel()


def channels_of(routing: LiveRouting, further: Callable[[str], Sequence[ChannelInfo]]) -> Callable[[str], Sequence[ChannelInfo]]:
    """All channels of a receiver: those of the configuration, and those that others bind to it; the desk where there is none."""

    def found(receiver: str) -> Sequence[ChannelInfo]:
        return (*routing.infos(receiver), *further(receiver)) or (ChannelInfo(DESK.name, send_resolved=True),)

    return found


def _close(routing: Routing | None) -> None:
    for channel in routing.channels.values() if routing is not None else ():
        channel.close()


def _matching(pattern: str) -> list[Path]:
    """The files of a pattern; a path that names one is kept when there is none, so that its absence is said."""
    return files_matching(pattern) or ([] if is_pattern(pattern) else [Path(pattern)])


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the templates in {path} can't be read: {error}; mend the path or the file", key="alert.templates") from error
