"""Faults: the board says which hold, the services do as it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.demo.receiver import receiver, values

from tocsin.clock import RealClock, ReplayClock
from tocsin.demo.chance import Chance
from tocsin.demo.faults.board import FaultBoard, read_board, write_board
from tocsin.demo.faults.catalog import STORIES, Fault
from tocsin.demo.load import choose_call
from tocsin.demo.system import DemoSettings, run


def test_a_fault_holds_until_its_time_is_over(tmp_path: Path) -> None:
    """Whoever asks after its end is told that it is over, without anybody taking it back."""
    path = tmp_path / "faults.json"
    write_board(path, {Fault.SLOW_DEPENDENCY.value: 100.0})
    assert FaultBoard(path, ReplayClock(99 * 10**9, speed=0)).holds(Fault.SLOW_DEPENDENCY)
    assert not FaultBoard(path, ReplayClock(100 * 10**9, speed=0)).holds(Fault.SLOW_DEPENDENCY)
    assert not FaultBoard(path, ReplayClock(99 * 10**9, speed=0)).holds(Fault.BAD_DEPLOY)


@pytest.mark.parametrize("text", ["", "{", "[]", "7"])
def test_a_board_that_is_none_says_nothing(tmp_path: Path, text: str) -> None:
    """Half a file, another program's file, no file: nothing is broken."""
    path = tmp_path / "faults.json"
    assert read_board(path) == {}
    path.write_text(text, encoding="utf-8")
    assert read_board(path) == {}


def test_a_sale_brings_buyers() -> None:
    """Nine of ten customers buy in a sale, a third of them on other days."""
    chance = Chance(1)
    bought = sum(choose_call(chance, number, sale=True).path == "/checkout" for number in range(500))
    usual = sum(choose_call(chance, number).path == "/checkout" for number in range(500))
    assert 430 < bought < 480
    assert 140 < usual < 210


@pytest.mark.slow
def test_a_bad_deploy_fails_in_its_own_version(tmp_path: Path) -> None:
    """Orders 1.1.0 takes the place of 1.0.0 while the demo runs, and its log names the kettle."""
    board = tmp_path / "faults.json"
    write_board(board, {Fault.BAD_DEPLOY.value: RealClock().now_ns() / 10**9 + 3600})
    said: list[str] = []
    with receiver() as received:
        run(DemoSettings(endpoint=received.address, rate_per_s=15, duration_s=9, board=board), say=said.append)
    assert "orders 1.1.0 is deployed in place of 1.0.0" in said
    errors = [record for service, record in received.logs if service == "orders" and "gift wrap" in record.body.string_value]
    assert errors
    assert all(values(record.attributes)["exception.type"] == "KeyError" for record in errors)
    statuses = {
        values(span.attributes).get("http.response.status_code")
        for service, span in received.spans
        if (service, span.kind) == ("orders", 2)
    }
    assert {201, 500} <= statuses


def test_every_fault_has_its_story() -> None:
    """What breaks, what users meet and where the cause shows is said for each."""
    assert set(STORIES) == set(Fault)
    assert all(story.breaks and story.symptom and story.cause for story in STORIES.values())
