"""`tocsin alerts` and `tocsin silence`: what they print, what they change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from tests.alert.pipeline.builders import START
from tests.api.alert_house import AlertHouse
from tests.api.fake_desk import FakeDesk
from tests.cli.conftest import Tocsin, serving
from tests.state.alert_builders import attempt

from tocsin.alert.desk_records import PostedAlert
from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.cli.exit_codes import Exit
from tocsin.clock import ReplayClock
from tocsin.model.notification import DeliveryState

READING = [
    ("alerts",), ("alerts", "groups"), ("alerts", "notifications"), ("alerts", "events"), ("alerts", "receivers"), ("alerts", "status"),
    ("silence", "list", "--expired"),
]  # fmt: skip


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FastAPI, str]]:
    """One server for all tests here; each test puts alerts of its own behind it."""
    app = create_application(Context(desk=cast("Any", FakeDesk()), clock=ReplayClock(START, speed=0)), hosts={"127.0.0.1"})
    with serving(app) as address:
        yield app, address


@pytest.fixture
def house(served: tuple[FastAPI, str], tmp_path: Path) -> Iterator[AlertHouse]:
    """What stands behind the server: three alerts, one of them inhibited."""
    with AlertHouse(tmp_path) as found:
        served[0].state.context = replace(served[0].state.context, clock=found.clock, alerts=found.desk)
        shop = {"service": "shop"}
        found.desk.post(
            [
                PostedAlert({**shop, "alertname": "Slow", "severity": "ticket"}, {"description": "slow\x1b[2J"}),
                PostedAlert({**shop, "alertname": "Out", "severity": "page"}, {"summary": "the shop is out"}),
                PostedAlert({"alertname": "Full", "node": "n1"}),
            ]
        )
        found.let_pass(3)
        yield found


@pytest.fixture
def url(served: tuple[FastAPI, str], house: AlertHouse) -> str:
    """Its address."""
    assert served[0].state.context.alerts is house.desk
    return served[1]


def test_what_fires_is_listed_the_worst_first(tocsin: Tocsin, url: str) -> None:
    """With who is told, or why nobody is."""
    outcome = tocsin("alerts", "--url", url)
    head, out, slow, full = outcome.out.splitlines()
    assert head.split() == ["severity", "since", "alert", "service", "summary", "told"]
    assert out.split() == ["page", "2026-09-21", "14:13:20", "Out", "shop", "the", "shop", "is", "out", "pager,", "team"]
    assert slow.split()[-3:] == ["inhibited", "by", "Out"]
    assert "\x1b" not in slow
    assert full.split()[:1] == ["-"]
    assert "Full" not in tocsin("alerts", 'service="shop"', "--url", url).out
    assert tocsin("alerts", "--quiet", "--url", url).out.splitlines()[1].split()[3] == "Slow"
    assert "Slow" not in tocsin("alerts", "--told", "--receiver", "pager", "--url", url).out
    assert tocsin("alerts", "service=none", "--url", url).out == "nothing fires\n"


@pytest.mark.parametrize("command", READING)
def test_what_reads_prints_a_table_or_json(tocsin: Tocsin, url: str, command: tuple[str, ...]) -> None:
    """The same for people and programs."""
    shown = tocsin(*command, "--url", url)
    assert (shown.code, shown.err) == (Exit.OK, "")
    assert shown.out.strip()
    assert json.loads(tocsin(*command, "--json", "--url", url).out) is not None


def test_notifications_show_what_failed(tocsin: Tocsin, url: str, house: AlertHouse) -> None:
    """Each try with its reason; those that went well on demand."""
    key = next(one.entry.notification.key for one in house.desk.notifications() if one.entry.notification.alerts[0].name == "Full")
    outbox = house.state.alerting.outbox
    outbox.record(attempt(key), DeliveryState.PENDING, START)
    outbox.record(attempt(key, outcome="delivered", detail="200: fine"), DeliveryState.DELIVERED, START)
    listed = tocsin("alerts", "notifications", "--url", url).out
    assert "Full (1 firing)" in listed
    assert "connection refused" in listed
    assert "200: fine" not in listed
    assert "200: fine" in tocsin("alerts", "notifications", "--attempts", "--url", url).out
    one = tocsin("alerts", "notification", key, "--url", url).out
    assert ("200: fine" in one, 'group {}:{alertname="Full"}' in one) == (True, True)
    assert json.loads(tocsin("alerts", "notification", key, "--json", "--url", url).out)["key"] == key
    assert tocsin("alerts", "notifications", "--state", "undeliverable", "--url", url).out == "nobody was told anything in that time\n"
    assert tocsin("alerts", "notification", "none", "--url", url).code == Exit.REFUSED


def test_a_receiver_is_tried(tocsin: Tocsin, url: str) -> None:
    """It says how one sees what came of it."""
    tried = tocsin("alerts", "test", "team", "--author", "ana", "--url", url)
    assert tried.out.startswith("webhook/0 of team is told: `tocsin alerts notification ")
    wrong = tocsin("alerts", "test", "teem", "--url", url)
    assert (wrong.code, "did you mean 'team'" in wrong.err) == (Exit.REFUSED, True)


def test_a_silence_is_added_listed_and_ended(tocsin: Tocsin, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what it keeps quiet and how one ends it."""
    monkeypatch.setenv("TOCSIN_AUTHOR", "ana")
    assert tocsin("silence", "--url", url).out == "nothing is silenced\n"
    added = tocsin("silence", "add", 'service="shop"', "severity=~p.*|ticket", "--for", "2h", "--comment", "moving", "--url", url)
    first, second = added.out.splitlines()
    assert first.startswith(
        'service="shop" severity=~"p.*|ticket" is silenced from 2026-09-21 14:13:23 until 2026-09-21 16:13:23 UTC, 2 alerts'
    )
    identity = second.split("expire ")[1].split("`")[0]
    assert f"silenced by {identity[:8]}" in tocsin("alerts", "--url", url).out
    row = tocsin("silence", "list", "--url", url).out.splitlines()[1]
    assert (row.startswith(identity), row.split()[-2:]) == (True, ["ana", "moving"])
    assert tocsin("silence", "expire", identity, "--url", url).out.endswith("has ended\n")
    assert tocsin("silence", "list", "--expired", "--url", url).out.splitlines()[1].split()[1] == "expired"
    assert tocsin("silence", "expire", identity, "--url", url).code == Exit.REFUSED


def test_what_is_wrong_with_a_silence_is_said(tocsin: Tocsin, url: str) -> None:
    """Neither how long nor until when, or both; a silence of everything."""
    signed = ("--author", "ana", "--comment", "c", "--url", url)
    assert tocsin("silence", "add", "a=b", *signed).code == Exit.USAGE
    assert tocsin("silence", "add", "a=b", "--for", "2h", "--end", "2027-01-01", *signed).code == Exit.USAGE
    everything = tocsin("silence", "add", "a=~.*", "--for", "2h", *signed)
    assert (everything.code, "matches a missing label" in everything.err) == (Exit.REFUSED, True)
