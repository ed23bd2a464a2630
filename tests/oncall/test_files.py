"""On-call files: what they may say, and every mistake in its place."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.oncall.house import HandClock
from tests.oncall.plans import wall

from tocsin.model.severity import Severity
from tocsin.oncall.definition import Hours, OncallPlan, TargetKind
from tocsin.oncall.files.live import LivePlan
from tocsin.oncall.files.plan import read_plan
from tocsin.oncall.plan_words import hours_words, plan_summary
from tocsin.slo.files.notes import DefinitionMistakes

GOOD = """\
apiVersion: tocsin/v1
kind: Person
metadata: {name: ana, displayName: Ana Ruiz}
spec:
  role: payments engineer
  email: ana@example.org
  timeZone: Europe/Berlin
  channels:
    - {slack: {channel: "@ana"}, when: [{days: weekdays, from: "09:00", to: "18:00"}]}
    - {pagerduty: {routing_key_file: secrets/ana}}
    - {slack: {channel: "#ops", api_url_env: OPS_SLACK}}
    - {email: ana@example.org}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: bob}
spec: {email: bob@example.org, timeZone: America/New_York}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: primary, displayName: Payments}
spec:
  timeZone: Europe/Berlin
  layers:
    - {name: weekly, users: [ana, bob], length: 1w, start: 2026-01-05, handover: monday 09:00}
    - name: office
      users: [bob]
      length: 12h
      start: 2026-01-05 08:00
      until: 2027-01-01
      restrictions:
        - {days: mon-fri, from: "09:00", to: "17:00"}
        - {from: friday 17:00, to: monday 09:00}
        - {days: [sat, sun]}
---
apiVersion: tocsin/v1
kind: EscalationChain
metadata: {name: shop}
spec:
  receiver: page
  steps:
    - {notify: [schedule: primary], acknowledge_within: 5m}
    - {notify: [schedule: primary, person: bob], acknowledge_within: 10m}
  repeat: 2
  severities: [P1, ticket]
  acknowledgement_lasts: 4h
"""


def plan_of(folder: Path, text: str) -> OncallPlan:
    """What a file says."""
    path = folder / "oncall.yaml"
    path.write_text(text)
    return read_plan([path])


def mistakes_of(folder: Path, text: str) -> list[str]:
    """What is wrong with it: line and sentence."""
    with pytest.raises(DefinitionMistakes) as caught:
        plan_of(folder, text)
    return [f"{mistake.line}: {mistake.message}" for mistake in caught.value.mistakes]


def test_a_file_says_who_is_called(tmp_path: Path) -> None:
    """People with their channels in order, layers with their hours, chains with their steps."""
    plan = plan_of(tmp_path, GOOD)
    ana = plan.people["ana"]
    assert [ana.channel_of(contact) for contact in ana.contacts] == [
        "person/ana/slack/0", "person/ana/pagerduty/0", "person/ana/slack/1", "person/ana/email/0",
    ]  # fmt: skip
    assert ana.contacts[0].when == (Hours(frozenset(range(5)), 540, 540),)
    assert ana.contacts[1].files == {"routing_key": str(tmp_path / "secrets/ana")}
    assert ana.contacts[2].variables == {"api_url": "OPS_SLACK"}
    assert plan.people["bob"].contacts[0].settings == {"to": "bob@example.org"}
    weekly, office = plan.schedules["primary"].layers
    assert (weekly.start, weekly.anchor, weekly.length) == (wall("2026-01-05 09:00"), wall("2026-01-05 09:00"), timedelta(days=7))
    assert [hours_words(hours) for hours in office.restrictions] == ["mon-fri 09:00-17:00", "fri 17:00 - mon 09:00", "sat-sun 00:00-24:00"]
    chain = plan.chains["shop"]
    assert (chain.repeat, chain.severities, chain.acknowledgement_lasts_s) == (2, frozenset({Severity.P1, Severity.P2}), 4 * 3600)
    assert [target.kind for target in chain.steps[1].notify] == [TargetKind.SCHEDULE, TargetKind.PERSON]
    assert plan.chain_of("page") is chain
    assert plan.chain_of("other") is None
    assert plan.remarks == ()


def test_a_plan_in_words_has_no_secrets_and_no_addresses(tmp_path: Path) -> None:
    """Kinds of channels are enough for a list."""
    summary = plan_summary(plan_of(tmp_path, GOOD))
    assert summary.people[0].channels == ("slack", "pagerduty", "slack", "email")
    assert summary.chains[0].steps[1].notify == ("schedule primary", "person bob")
    assert (summary.schedules[0].layers[1].length, summary.schedules[0].layers[1].until) == ("12h", "2027-01-01 00:00")
    assert "example.org" not in str(summary)


PERSON = "apiVersion: tocsin/v1\nkind: Person\nmetadata: {name: ana}\nspec: {timeZone: UTC, channels: [%s]}\n"
SCHEDULE = (
    "apiVersion: tocsin/v1\nkind: Person\nmetadata: {name: ana}\nspec: {timeZone: UTC, email: a@b}\n---\n"
    "apiVersion: tocsin/v1\nkind: Schedule\nmetadata: {name: primary}\nspec:\n  timeZone: %s\n  layers:\n    - %s\n"
)
LAYER = "{users: [ana], length: 1w, start: 2026-01-05 09:00}"
CHAIN = SCHEDULE % ("UTC", LAYER) + "---\napiVersion: tocsin/v1\nkind: EscalationChain\nmetadata: {name: shop}\nspec: %s\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Person", "1: an object needs 'apiVersion'; apiVersion: tocsin/v1"),
        (
            "apiVersion: tocsin/v1\nkind: Persn\nmetadata: {name: a}\nspec: {}",
            "2: expected Person, Schedule, EscalationChain, found 'Persn'; did you mean 'Person'?",
        ),
        (
            "apiVersion: tocsin/v1\nkind: Objective\nmetadata: {name: a}\nspec: {}",
            "2: expected Person, Schedule, EscalationChain, found 'Objective'; Objective belongs into the files of slo.files",
        ),
        ("- 7", "1: expected an object with apiVersion: tocsin/v1 and a kind, found '7'"),
        (PERSON % "", "4: nobody can reach 'ana': a Person needs 'channels', or an 'email'"),
        (PERSON % "{slak: {}}", "4: a channel has no field 'slak'; did you mean 'slack'?"),
        (
            PERSON % "{slack: {}, email: a@b}",
            "4: a channel takes exactly one of slack, email, webhook, pagerduty, opsgenie; found slack and email",
        ),
        (
            PERSON % "{pagerduty: {routing_key: abc}}",
            "4: routing_key is a secret; write routing_key_file with a path, or routing_key_env with the name of a variable",
        ),
        (PERSON % "{pagerduty: {}}", "4: a channel of kind pagerduty needs routing_key_file or routing_key_env"),
        (PERSON % "{webhook: {}}", "4: a channel of kind webhook needs url or url_file or url_env"),
        (PERSON % "{email: nobody}", "4: expected an address such as ana@example.org, found 'nobody'"),
        (
            PERSON % "{email: a@b, when: {days: weekday}}",
            "4: expected weekdays, weekends, daily, or names of days; found 'weekday'; did you mean 'weekdays'?",
        ),
        (
            PERSON % "{email: a@b, when: {}}",
            "4: a piece of the week needs days, or from and to, as in {days: weekdays, from: '09:00', to: '17:00'}",
        ),
        (PERSON % "{email: a@b, when: {from: '25:00'}}", "4: expected a time of day from 00:00 to 23:59, found '25:00'"),
        (PERSON % "{email: a@b, when: {from: friday 17:00, to: '09:00'}}", "4: a piece of the week has days beside plain times"),
        (
            "apiVersion: tocsin/v1\nkind: Person\nmetadata: {name: a/b}\nspec: {email: a@b}",
            "1: the name 'a/b' becomes a part of addresses; use letters, digits and - . _",
        ),
        (
            SCHEDULE % ("Berlin", LAYER),
            "10: no time zone is called 'Berlin'; write an IANA name such as Europe/Berlin; did you mean 'Europe/Berlin'?",
        ),
        (
            SCHEDULE % ("UTC", "{users: [anna], length: 1w, start: 2026-01-05}"),
            "12: no Person is called 'anna' in any of the files; did you mean 'ana'?",
        ),
        (
            SCHEDULE % ("UTC", "{users: [], length: 1w, start: 2026-01-05}"),
            "12: a layer needs somebody, or it never names anybody; take it out instead",
        ),
        (SCHEDULE % ("UTC", "{users: [ana], length: 1m, start: 2026-01-05}"), "12: a turn lasts a whole number of hours, days or weeks"),
        (
            SCHEDULE % ("UTC", "{users: [ana], length: 1w, start: 2026-02-30}"),
            "12: expected a local date and time such as 2026-01-05 09:00, found '2026-02-30'",
        ),
        (
            SCHEDULE % ("UTC", "{users: [ana], length: 1w, start: '2026-01-05T09:00Z'}"),
            "12: expected a local date and time such as 2026-01-05 09:00, found '2026-01-05T09:00Z'; its zone stands in timeZone",
        ),
        (SCHEDULE % ("UTC", "{users: [ana], length: 1w, start: 1066-10-14}"), "12: expected a date from 1900 to 2200"),
        (
            SCHEDULE % ("UTC", "{users: [ana], length: 1d, start: 2026-01-05, handover: monday 09:00}"),
            "12: a hand-over on a day of the week needs turns of whole weeks",
        ),
        (
            SCHEDULE % ("UTC", "{users: [ana], length: 12h, start: 2026-01-05, handover: '09:00'}"),
            "12: a hand-over at a time of day needs turns of whole days",
        ),
        (
            SCHEDULE % ("UTC", "{users: [ana], length: 1w, start: 2026-01-05, handover: mnday 09:00}"),
            "12: expected a day, monday to sunday, found 'mnday'; did you mean 'monday'?",
        ),
        (
            SCHEDULE % ("UTC", "{users: [ana], length: 1w, start: 2026-01-05, until: 2026-01-01}"),
            "12: 'until' (2026-01-01 00:00) is not after 'start' (2026-01-05 00:00)",
        ),
        (CHAIN % "{}", "17: an EscalationChain needs 'steps'; whom to call, one after the other"),
        (CHAIN % "{steps: []}", "17: a chain needs a step, or nobody is ever called"),
        (
            CHAIN % "{steps: [{notify: [], acknowledge_within: 5m}]}",
            "17: a step needs somebody to call, as in notify: [schedule: payments-primary]",
        ),
        (
            CHAIN % "{steps: [{notify: [schedule: primry], acknowledge_within: 5m}]}",
            "17: no Schedule is called 'primry' in any of the files; did you mean 'primary'?",
        ),
        (
            CHAIN % "{steps: [{notify: [schedule: primary], acknowledge_within: 5}]}",
            "17: expected a length of time such as 300ms, 5m, 2h or 30d, found '5'; write its unit",
        ),
        (
            CHAIN % "{steps: [{notify: [schedule: primary], acknowledge_within: 5m}], repeat: 1.5}",
            "17: expected a whole number from 0 to 100, found '1.5'",
        ),
        (
            CHAIN % "{steps: [{notify: [schedule: primary], acknowledge_within: 5m}], severities: [P9]}",
            "17: expected P1, P2, P3, P4, or a word that means one of them",
        ),
    ],
)
def test_a_mistake_is_said_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    """What was expected, what was found, and what was probably meant."""
    assert any(mistake.startswith(expected) for mistake in mistakes_of(tmp_path, text)), mistakes_of(tmp_path, text)


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """One mistake does not hide the next."""
    text = GOOD.replace("monday 09:00}", "mnday 09:00}", 1).replace("person: bob", "person: bop").replace("weekdays", "weekday")
    assert len(mistakes_of(tmp_path, text)) == 3


def test_names_and_receivers_are_taken_once(tmp_path: Path) -> None:
    """Two people of one name, two chains of one receiver, two layers of one name are mistakes."""
    chain = GOOD[GOOD.rindex("---") :]
    text = GOOD.replace("name: office", "name: weekly") + chain.replace("shop", "web") + "---\n" + GOOD[: GOOD.index("---")]
    found = " ".join(mistakes_of(tmp_path, text))
    assert "the receiver 'page' has a chain already" in found
    assert "another Person is called 'ana'" in found
    assert "another layer of this schedule is called 'weekly'" in found


def test_what_is_probably_not_meant_is_remarked(tmp_path: Path) -> None:
    """A rotation of one, a month on call, a slow first step, somebody who is never called: allowed, and said."""
    text = CHAIN % "{steps: [{notify: [person: ana], acknowledge_within: 15m}]}"
    remarks = " ".join(plan_of(tmp_path, text).remarks)
    assert "a rotation of 'ana' alone never hands over" in remarks
    assert "longer than the 5 minutes" in remarks
    assert "the Schedule 'primary' is never called" in remarks
    long = GOOD.replace("length: 1w", "length: 4w")
    assert "turns of 28 days wear people out" in " ".join(plan_of(tmp_path, long).remarks)


@pytest.mark.parametrize(
    ("start", "handover", "begin", "anchor"),
    [
        ("2026-01-05", "monday 09:00", "2026-01-05 09:00", "2026-01-05 09:00"),
        ("2026-01-07", "monday 09:00", "2026-01-07 00:00", "2026-01-05 09:00"),
        ("2026-01-07 12:00", "wednesday 18:00", "2026-01-07 12:00", "2025-12-31 18:00"),
        ("2026-01-07", "10:30", "2026-01-07 10:30", "2026-01-07 10:30"),
        ("2026-01-07 08:00", "10:30", "2026-01-07 08:00", "2026-01-06 10:30"),
    ],
)
def test_a_handover_places_the_turns(tmp_path: Path, start: str, handover: str, begin: str, anchor: str) -> None:
    """The layer begins at `start`; the turns follow the hand-over at or before it."""
    text = SCHEDULE % ("UTC", f"{{users: [ana], length: 1w, start: '{start}', handover: '{handover}'}}")
    (found,) = plan_of(tmp_path, text).schedules["primary"].layers
    assert (found.start, found.anchor) == (wall(begin), wall(anchor))


def test_files_are_followed_and_the_last_good_plan_stays(tmp_path: Path) -> None:
    """A mistake changes nothing but the list of mistakes; mended, the file is in force."""
    path = tmp_path / "oncall.yaml"
    path.write_text(GOOD)
    live = LivePlan([str(tmp_path / "*.yaml")], HandClock())
    good = live.current
    assert set(good.people) == {"ana", "bob"}
    path.write_text(GOOD.replace("kind: Schedule", "kind: Shedule"))
    assert not live.refresh()
    assert live.current == good
    assert len(live.mistakes) >= 1
    path.write_text(GOOD.replace("Ana Ruiz", "Ana Maria Ruiz"))
    assert live.refresh()
    assert not live.refresh()
    assert live.current.people["ana"].title == "Ana Maria Ruiz"
    numbers = live.statistics()
    assert (numbers.files, numbers.people, numbers.schedules, numbers.chains, numbers.mistakes) == (1, 2, 1, 1, 0)
    assert (numbers.reads, numbers.failed_reads) == (3, 1)


def test_a_start_with_mistakes_follows_the_good_files(tmp_path: Path) -> None:
    """What needs nothing of the wrong file is in force; a pattern that matches nothing is a mistake."""
    people, rest = (
        GOOD[: GOOD.index("---\napiVersion: tocsin/v1\nkind: Schedule")],
        GOOD[GOOD.index("---\napiVersion: tocsin/v1\nkind: Schedule") :],
    )
    (tmp_path / "people.yaml").write_text(people)
    (tmp_path / "schedules.yaml").write_text(rest.replace("length: 1w", "length: soon"))
    live = LivePlan([str(tmp_path / "people.yaml"), str(tmp_path / "schedules.yaml"), str(tmp_path / "none.yaml")], HandClock())
    assert (set(live.current.people), set(live.current.schedules)) == ({"ana", "bob"}, set())
    assert [mistake.path.rpartition("/")[2] for mistake in live.mistakes] == ["none.yaml", "schedules.yaml"]
    (tmp_path / "schedules.yaml").write_text(rest)
    assert live.refresh()
    assert set(live.current.chains) == {"shop"}


WORDS = st.sampled_from(
    ["ana", "primary", "1w", "2026-01-05", "monday 09:00", "weekdays", "P1", "5m", "x", "", "null", "[]", "{}", "7", "-1", "Europe/Berlin"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_file_breaks_the_reader(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever stands in the place of whatever: a plan, or mistakes with their places."""
    lines = GOOD.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        number = data.draw(st.integers(0, len(lines) - 1))
        before, colon, _ = lines[number].partition(":")
        lines[number] = data.draw(st.sampled_from([f"{before}{colon} {data.draw(WORDS)}", "", lines[number] + data.draw(WORDS)]))
    path = tmp_path / "fuzz.yaml"
    path.write_text("\n".join(lines))
    with suppress(DefinitionMistakes):
        read_plan([path])
