"""`tocsin oncall`: what it prints, what it changes, and with what number it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from tests.api.fake_desk import FakeDesk
from tests.cli.conftest import Tocsin, serving
from tests.oncall.desks import PLAN, DeskHouse
from tests.oncall.house import HandClock, told

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.cli.exit_codes import Exit

READING = [
    ("who", "primary"),
    ("schedules",),
    ("shifts",),
    ("shifts", "primary", "--zone", "Europe/Berlin"),
    ("overrides",),
    ("swaps",),
    ("pages",),
    ("load", "--end", "now"),
]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FastAPI, str]]:
    """One server for all tests here; each test puts a desk of its own behind it."""
    app = create_application(Context(desk=cast("Any", FakeDesk()), clock=HandClock()), hosts={"127.0.0.1"})
    with serving(app) as address:
        yield app, address


@pytest.fixture
def house(served: tuple[FastAPI, str], tmp_path: Path) -> Iterator[DeskHouse]:
    """What stands behind the server."""
    found = DeskHouse(tmp_path)
    served[0].state.context = replace(served[0].state.context, clock=found.clock, oncall=found.desk)
    yield found
    found.close()


@pytest.fixture
def url(served: tuple[FastAPI, str], house: DeskHouse) -> str:
    """Its address."""
    assert served[0].state.context.oncall is house.desk
    return served[1]


def test_who_is_on_call(tocsin: Tocsin, url: str) -> None:
    """A line for each schedule; nobody is said aloud, and ends with 1."""
    outcome = tocsin("oncall", "--url", url)
    lines = outcome.out.splitlines()
    assert outcome.code == Exit.FINDING
    assert lines[1].split() == [
        "primary", "ana", "Mon", "2026-01-12", "08:00", "layer", "weekly", "bob", "from", "Mon", "2026-01-12", "08:00",
    ]  # fmt: skip
    assert lines[2].split()[:2] == ["office", "NOBODY"]
    local = tocsin("oncall", "who", "primary", "--at", "2026-07-01", "--zone", "Europe/Berlin", "--url", url)
    assert (local.code, "09:00" in local.out) == (Exit.OK, True)


@pytest.mark.parametrize("command", READING)
def test_what_reads_prints_a_table_or_json(tocsin: Tocsin, url: str, command: tuple[str, ...]) -> None:
    """The same for people and programs."""
    shown = tocsin("oncall", *command, "--url", url)
    assert (shown.code, shown.err) == (Exit.OK, "")
    assert shown.out.strip()
    assert json.loads(tocsin("oncall", *command, "--json", "--url", url).out) is not None


def test_an_override_is_made_and_taken_back(tocsin: Tocsin, url: str) -> None:
    """The answer says how."""
    signed = ("--author", "ana", "--reason", "dentist", "--url", url)
    made = tocsin("oncall", "override", "primary", "bob", "--end", "2026-01-07T11:00:00Z", "--zone", "Europe/Berlin", *signed)
    assert made.out.startswith("bob is on call on primary from Tue 2026-01-06 12:00 until Wed 2026-01-07 12:00 Europe/Berlin")
    identity = made.out.split("withdraw ")[1].split("`")[0]
    assert identity in tocsin("oncall", "overrides", "--url", url).out
    assert tocsin("oncall", "withdraw", identity, *signed).out == f"override {identity} is withdrawn\n"
    assert "(withdrawn by ana: dentist)" in tocsin("oncall", "overrides", "--past", "--url", url).out


def test_a_shift_is_offered_and_taken(tocsin: Tocsin, url: str) -> None:
    """Asked, listed, accepted, or declined and withdrawn."""
    asked = tocsin("oncall", "swap", "ask", "primary", "--by", "bob", "--to", "ana", "--reason", "wedding", "--url", url)
    assert asked.out.startswith("bob offers primary from Mon 2026-01-12 08:00 until Mon 2026-01-19 08:00 UTC to ana")
    identity = asked.out.split("accept ")[1].split(" ")[0]
    assert identity in tocsin("oncall", "swaps", "--url", url).out
    wrong = tocsin("oncall", "swap", "accept", identity, "--by", "bob", "--url", url)
    assert (wrong.code, "offered to ana, not to bob" in wrong.err) == (Exit.REFUSED, True)
    taken = tocsin("oncall", "swap", "accept", identity, "--by", "ana", "--url", url)
    assert taken.out.endswith("is accepted by ana\n")
    assert tocsin("oncall", "swap", "ask", "primary", "--by", "bob", "--url", url).code == Exit.USAGE


def test_a_page_is_listed_and_taken(tocsin: Tocsin, url: str, house: DeskHouse) -> None:
    """With who was called for it."""
    page = house.desk.escalator.start(told())
    assert page is not None
    assert "calling step 1 of 2, the next at 11:05" in tocsin("oncall", "pages", "--open", "--url", url).out
    assert "person/ana/slack/0" in tocsin("oncall", "page", page.id, "--url", url).out
    assert tocsin("oncall", "ack", page.id, "--by", "bob", "--url", url).out == f"page {page.id} is yours, bob\n"
    assert "was taken before, by bob" in tocsin("oncall", "ack", page.id, "--by", "ana", "--url", url).out
    assert tocsin("oncall", "ack", "nothing", "--by", "ana", "--url", url).code == Exit.REFUSED


def test_calendars_are_printed_or_subscribed_to(tocsin: Tocsin, url: str) -> None:
    """A file as it is, or an address that is shown once."""
    assert tocsin("oncall", "ical", "--schedule", "primary", "--url", url).out.startswith("BEGIN:VCALENDAR\r\n")
    assert tocsin("oncall", "ical", "--url", url).code == Exit.USAGE
    made = tocsin("oncall", "calendar", "person", "ana", "--author", "ana", "--url", url)
    assert made.out.startswith(f"{url}/api/oncall/calendar/")
    revoked = tocsin("oncall", "calendar", "person", "ana", "--author", "ana", "--revoke", "--url", url)
    assert revoked.out == "the calendar of the person ana has no address any more\n"


def test_check_asks_the_server_or_reads_files(tocsin: Tocsin, url: str, tmp_path: Path) -> None:
    """Mistakes, gaps and people out of reach end with 1; remarks do not."""
    asked = tocsin("oncall", "check", "--url", url)
    assert (asked.code, "out of reach: person/ana/slack/0 has no address" in asked.out) == (Exit.FINDING, True)
    file = tmp_path / "checked.yaml"
    file.write_text(PLAN)
    gaps = tocsin("oncall", "check", str(file), "--days", "7")
    assert (gaps.code, "nobody on call: office from" in gaps.out) == (Exit.FINDING, True)
    file.write_text(PLAN.replace(', restrictions: [{days: weekdays, from: "14:00", to: "18:00"}]', ""))
    well = tocsin("oncall", "check", str(file))
    assert (well.code, well.out.startswith("remark: ")) == (Exit.OK, True)
    file.write_text(PLAN.replace("person: bob", "person: bop"))
    wrong = tocsin("oncall", "check", str(file), "--json")
    assert wrong.code == Exit.FINDING
    assert "no Person is called 'bop'" in json.loads(wrong.out)["mistakes"][0]


def test_a_zone_that_does_not_exist_is_refused(tocsin: Tocsin, url: str) -> None:
    """In a sentence."""
    wrong = tocsin("oncall", "who", "--zone", "Berlin", "--url", url)
    assert (wrong.code, "write an IANA name such as Europe/Berlin" in wrong.err) == (Exit.USAGE, True)
