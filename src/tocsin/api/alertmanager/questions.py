"""
What clients of Alertmanager's API ask for in a query string, as functions that say of each alert, group and silence whether it is meant.

Words that are neither true nor false mean false, and what is empty means what holds without it, as in Alertmanager.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tocsin.alert.desk_records import AlertFilter, SilenceView
from tocsin.alert.routing.matchers import parse_matcher
from tocsin.api.prometheus.parameters import Parameters
from tocsin.errors import InvalidInput
from tocsin.model.alert import AlertStatus
from tocsin.model.pattern import Pattern, compile_pattern
from tocsin.model.series import Matcher

TRUE = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})


@dataclass(frozen=True, slots=True)
class AlertQuestion:
    """
    Which alerts are asked for.

    Args:
        wanted: As far as the desk answers it.
        active: Whether those are meant that are neither silenced nor inhibited, whatever their time interval says.
        muted: Whether groups are meant that a time interval keeps quiet, whatever else does.
        receivers: Names of those receivers that are asked for; None: any.
    """

    wanted: AlertFilter
    active: bool
    muted: bool
    receivers: frozenset[str] | None

    def means(self, status: AlertStatus) -> bool:
        """Whether an alert that the desk found is meant."""
        return self.active or bool(status.silenced_by or status.inhibited_by)

    def meant(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of these receivers that are meant."""
        return tuple(name for name in names if self.receivers is None or name in self.receivers)


def alert_question(parameters: Parameters, labels_of_receivers: Mapping[str, Mapping[str, str]]) -> AlertQuestion:
    """
    What `alerts` and `alerts/groups` are asked.

    Args:
        parameters: Of the request.
        labels_of_receivers: The labels of each receiver, by its name.

    Raises:
        InvalidInput: A matcher or a regular expression can't be read.
    """
    pattern = _pattern(parameters.text("receiver"))
    matchers = matchers_of(parameters, "receiver_matchers")
    receivers = {
        name
        for name, labels in labels_of_receivers.items()
        if (pattern is None or pattern.fullmatch(name)) and all(matcher.matches(labels.get(matcher.name, "")) for matcher in matchers)
    }  # fmt: skip
    wanted = AlertFilter(
        matchers_of(parameters, "filter"),
        silenced=flag(parameters, "silenced"),
        inhibited=flag(parameters, "inhibited"),
    )
    asked = frozenset(receivers) if matchers or pattern is not None else None
    return AlertQuestion(wanted, flag(parameters, "active"), flag(parameters, "muted"), asked)


def means_silence(view: SilenceView, parameters: Parameters, matchers: Sequence[Matcher]) -> bool:
    """Whether a silence is meant: it has every one of the matchers, and its state is asked for."""
    return flag(parameters, view.state.value) and all(matcher in view.silence.matchers for matcher in matchers)


def matchers_of(parameters: Parameters, name: str) -> tuple[Matcher, ...]:
    """
    The matchers of a parameter, one in each of its values.

    Raises:
        InvalidInput: One can't be read.
    """
    try:
        return tuple(parse_matcher(text) for text in parameters.texts(name))
    except InvalidInput as error:
        raise InvalidInput(f"failed to parse {name} param: {error}") from error


def _pattern(text: str) -> Pattern | None:
    try:
        return compile_pattern(text) if text else None
    except InvalidInput as error:
        raise InvalidInput(f"failed to parse receiver param: {error}") from error


def flag(parameters: Parameters, name: str) -> bool:
    """Whether something is wanted; it is where nothing is said."""
    text = parameters.text(name)
    return not text or text.lower() in TRUE
