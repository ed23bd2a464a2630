"""Routes of replays: a backtest from its start to its answer, a guard as an archive, and what is refused."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.api.local_client import LocalClient
from tests.replay.desk_world import RULES, replay_application, replay_desk

from tocsin.replay.desk import ReplayDesk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ReplayDesk]:
    """A desk over two days."""
    one = replay_desk(tmp_path)
    yield one
    one.close()


@pytest.fixture
def client(desk: ReplayDesk) -> LocalClient:
    """The application in front of it."""
    return LocalClient(replay_application(desk))


def answer(client: LocalClient, desk: ReplayDesk, question: dict[str, Any]) -> Any:
    """What a backtest found."""
    started = client.post("/api/backtest", json=question)
    assert started.is_success, started.text
    assert desk._job is not None
    assert desk._job.thread is not None
    desk._job.thread.join(20)
    return client.get("/api/backtest").json()


def test_a_backtest(client: LocalClient, desk: ReplayDesk) -> None:
    """Started, looked at, answered: the score stands in the JSON with instants as texts."""
    found = answer(client, desk, {"start": "now-2d", "rules": [{"name": "new.yaml", "text": RULES}], "against_current": True})
    assert (found["state"], found["progress"]) == ("done", 1.0)
    new, current = found["answer"]["reports"]
    assert (new["name"], current["name"]) == ("new.yaml", "in force")
    assert new["start"] == "2026-11-16T00:00:00.000000000Z"
    assert new["score"]["incidents"][0]["detection_s"] == 30.0


def test_nothing_was_started(client: LocalClient) -> None:
    """There is nothing to look at and nothing to cancel."""
    assert client.get("/api/backtest").json()["error"]["code"] == "not_found"
    assert client.request("DELETE", "/api/backtest").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"start": "soon"}, "is not an instant"),
        ({"start": "now", "end": "now-1d"}, "swap the two"),
        ({"rules": [{"name": "a.yaml", "text": "groups: 1"}]}, "a.yaml:1"),
        ({"rules": [{"name": "", "text": ""}]}, "name"),
        ({"step_s": 0}, "step_s"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_is_refused(client: LocalClient, question: dict[str, Any], said: str) -> None:
    """Each mistake is said."""
    refused = client.post("/api/backtest", json=question)
    assert refused.is_client_error
    assert said in refused.json()["error"]["message"]


def test_a_guard_as_an_archive(client: LocalClient) -> None:
    """The folder of a guard, the same bytes each time."""
    question = {"name": "high", "rule": "High", "start": "2026-11-16T10:00:00Z", "within_s": 300, "context_s": 0}
    first, again = (client.post("/api/guards/freeze", json=question) for _ in range(2))
    assert first.headers["content-disposition"] == 'attachment; filename="high.tar.gz"'
    with tarfile.open(fileobj=io.BytesIO(first.content)) as archive, tarfile.open(fileobj=io.BytesIO(again.content)) as other:
        assert archive.getnames() == ["high/telemetry/series.jsonl.gz", "high/rules/rules.yaml", "high/guard.yaml"]
        assert [archive.extractfile(name).read() for name in archive.getnames()] == [  # type: ignore[union-attr]
            other.extractfile(name).read()  # type: ignore[union-attr]
            for name in other.getnames()
        ]
        assert "the slice 0 s" in archive.pax_headers["comment"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "../x"}, "name"),
        ({"rule": "Hig"}, "did you mean 'High'"),
        ({"within_s": 0}, "needs some time"),
    ],
)
def test_guards_that_are_refused(client: LocalClient, change: dict[str, Any], said: str) -> None:
    """A name that leads elsewhere, a rule that is none, no time."""
    question = {"name": "high", "rule": "High", "start": "2026-11-16T10:00:00Z", "within_s": 300, **change}
    refused = client.post("/api/guards/freeze", json=question)
    assert refused.is_client_error
    assert said in refused.json()["error"]["message"]
