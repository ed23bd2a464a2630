"""
Silences as people enter, change and end them, by Alertmanager's rules.

A silence that runs keeps its matchers: whoever changes them ends it, and a new one begins. So the history says who was quiet about what.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tocsin.alert.desk_records import SilenceDraft, SilenceState, SilenceView
from tocsin.clock import Clock, Entropy
from tocsin.errors import InvalidInput
from tocsin.model.alert import Alert, Silence
from tocsin.model.instant import INSTANT_MAX, INSTANT_MIN, Instant, format_instant
from tocsin.model.pattern import check_pattern
from tocsin.model.series import Matcher, MatchOperator
from tocsin.state.alert_silences import Silences

MATCHERS_MAX = 100
TEXT_CHARACTERS_MAX = 8 << 10
ID_BYTES = 16


class Silencing:
    """
    Enters, changes and ends silences. Safe to use from several threads.

    Args:
        silences: Where they are kept.
        alerts: All alerts that there are now.
        changed: Called after each change.
        clock: The present.
        entropy: For ids.
    """

    def __init__(
        self, silences: Silences, alerts: Callable[[], Sequence[Alert]], changed: Callable[[], None], *, clock: Clock, entropy: Entropy
    ) -> None:
        self._silences = silences
        self._alerts = alerts
        self._changed = changed
        self._clock = clock
        self._entropy = entropy

    def list(self, matchers: Sequence[Matcher] = (), *, expired: bool = True, with_alerts: bool = False) -> list[SilenceView]:
        """
        Silences, those that are in force first, then those that come, then those that ended, the latest of these first.

        Args:
            matchers: A silence must match, for each of these, with a matcher of the same label.
            expired: Whether those that have ended are wanted.
            with_alerts: Whether each says which alerts it keeps quiet; with many of both that takes a while.
        """
        now = self._clock.now_ns()
        found = self._silences.list(ending_after=None if expired else now)
        alerts = self._alerts() if with_alerts else ()
        views = [_view(silence, alerts, now) for silence in found if _is_about(silence, matchers)]
        return sorted(views, key=_rank)

    def get(self, id: str) -> SilenceView:  # noqa: A002 - as the record says
        """
        One silence.

        Raises:
            NotFound: There is none with this id.
        """
        return _view(self._silences.get(id), self._alerts(), self._clock.now_ns())

    def put(self, draft: SilenceDraft) -> str:
        """
        Enter a silence, or change the one that the draft names; returns its id, which is a new one where the old one had to end.

        Raises:
            InvalidInput: Says everything that is wrong with it.
            NotFound: There is none with the id that it names.
        """
        now = self._clock.now_ns()
        _check(draft, now)
        begins = now if draft.starts_at is None else max(now, draft.starts_at)
        silence = Silence(draft.id, draft.matchers, begins, draft.ends_at, draft.author, draft.comment, now, dict(draft.annotations))
        before = self._silences.get(draft.id) if draft.id else None
        if before is not None and _may_change(before, draft, now):
            starts_at = before.starts_at if state_of(before, now) is SilenceState.ACTIVE else begins
            self._silences.change(replace(silence, starts_at=starts_at))
        else:
            silence = replace(silence, id=self._new_id())
            ended = before is None or state_of(before, now) is SilenceState.EXPIRED
            self._silences.add(silence, instead_of=None if ended else draft.id)
        self._changed()
        return silence.id

    def expire(self, id: str, author: str = "") -> Silence:  # noqa: A002
        """
        End a silence now.

        Raises:
            NotFound: There is none with this id.
            Conflict: It has ended already.
        """
        ended = self._silences.expire(id, author, self._clock.now_ns())
        self._changed()
        return ended

    def _new_id(self) -> str:
        """In the form of a random UUID, since clients of Alertmanager expect one. Source: RFC 9562, section 5.4."""
        text = self._entropy.token_hex(ID_BYTES)
        variant = "89ab"[int(text[16], 16) & 3]
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def state_of(silence: Silence, at: Instant) -> SilenceState:
    """How a silence stands at an instant."""
    if silence.ends_at <= at:
        return SilenceState.EXPIRED
    return SilenceState.PENDING if at < silence.starts_at else SilenceState.ACTIVE


def _view(silence: Silence, alerts: Sequence[Alert], now: Instant) -> SilenceView:
    state = state_of(silence, now)
    quiet = [alert.fingerprint for alert in alerts if silence.matches(alert.labels)] if state is SilenceState.ACTIVE else []
    return SilenceView(silence, state, tuple(quiet))


def _rank(view: SilenceView) -> tuple[int, Instant, str]:
    order = [SilenceState.ACTIVE, SilenceState.PENDING, SilenceState.EXPIRED].index(view.state)
    by = {SilenceState.ACTIVE: view.silence.ends_at, SilenceState.PENDING: view.silence.starts_at}.get(view.state, -view.silence.ends_at)
    return order, by, view.silence.id


def _is_about(silence: Silence, wanted: Sequence[Matcher]) -> bool:
    return all(
        any(matcher.name == each.name and (each.matches(matcher.value) or each == matcher) for matcher in silence.matchers)
        for each in wanted
    )


def _may_change(before: Silence, draft: SilenceDraft, now: Instant) -> bool:
    if set(before.matchers) != set(draft.matchers):
        return False
    match state_of(before, now):
        case SilenceState.ACTIVE:
            return draft.starts_at is None or draft.starts_at <= now
        case SilenceState.PENDING:
            return draft.starts_at is None or draft.starts_at >= now
        case SilenceState.EXPIRED:
            return False


def _check(draft: SilenceDraft, now: Instant) -> None:
    mistakes = _mistakes_in_matchers(draft.matchers)
    starts_at = now if draft.starts_at is None else draft.starts_at
    if not all(INSTANT_MIN <= instant <= INSTANT_MAX for instant in (starts_at, draft.ends_at)):
        mistakes.append("its times can't be held: instants lie between 1677 and 2262")
    elif draft.ends_at <= now:
        mistakes.append(f"it ends at {format_instant(draft.ends_at)}, which is past")
    elif draft.ends_at <= starts_at:
        mistakes.append(f"it ends at {format_instant(draft.ends_at)}, not after it starts at {format_instant(starts_at)}")
    mistakes += [f"it has no {name}: say who wants it and why" for name in ("author", "comment") if not getattr(draft, name).strip()]
    texts = [draft.author, draft.comment, *draft.annotations, *draft.annotations.values()]
    if any(len(text) > TEXT_CHARACTERS_MAX for text in texts):
        mistakes.append(f"a text is longer than {TEXT_CHARACTERS_MAX} characters")
    if mistakes:
        raise InvalidInput(f"the silence can't be taken: {'; '.join(mistakes)}")


def _mistakes_in_matchers(matchers: Sequence[Matcher]) -> list[str]:
    if not 0 < len(matchers) <= MATCHERS_MAX:
        return [f"it has {len(matchers)} matchers; expected 1 to {MATCHERS_MAX}"]
    found = [f"{matcher.name!r} is no name of a label" for matcher in matchers if not matcher.name]
    for matcher in matchers:
        if matcher.operator in {MatchOperator.REGEX, MatchOperator.NOT_REGEX}:
            try:
                check_pattern(matcher.value)
            except InvalidInput as error:
                found.append(f"{matcher.name}: {error}")
    if not found and all(matcher.matches("") for matcher in matchers):
        found.append("every matcher matches a missing label, so that it would silence almost everything; at least one must not")
    return found
