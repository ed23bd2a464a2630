"""Where deployments are told: marks, what is counted, what is refused as a whole."""

from __future__ import annotations

import orjson
import pytest
from pydantic import ValidationError

from tocsin.clock import ReplayClock
from tocsin.errors import Conflict, InvalidInput
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus, Kept
from tocsin.model.instant import parse_instant
from tocsin.wire.deployments import DeploymentDoor, DeploymentMark, marked

NOW = parse_instant("2026-03-02T10:00:00Z")
MINUTE = 60 * 10**9


class Shelf:
    """Keeps deployments by id, as a database would: the later one stands."""

    def __init__(self) -> None:
        self.kept: dict[str, Deployment] = {}

    def record(self, deployment: Deployment) -> Kept:
        """Keep it, unless a later one is known."""
        known = self.kept.get(deployment.id)
        self.kept[deployment.id] = deployment if known is None or known.at <= deployment.at else known
        return Kept(self.kept[deployment.id], is_new=known is None)


def opened(shelf: Shelf) -> DeploymentDoor:
    """A door at NOW."""
    return DeploymentDoor(shelf.record, ReplayClock(NOW, speed=0))


def event(**context: str) -> dict[str, object]:
    """A CDEvent of a service."""
    return {
        "context": {
            "id": "e1",
            "source": "/ci",
            "type": "dev.cdevents.service.deployed.0.2.0",
            "timestamp": "2026-03-02T09:59:00Z",
            **context,
        },
        "subject": {"id": "checkout", "content": {"environment": {"id": "prod"}, "artifactId": "pkg:oci/checkout@sha256%3Aab?tag=v2"}},
    }


def test_a_mark_is_a_deployment_now() -> None:
    """Without a time it happened now, and everything that was said is kept."""
    mark = DeploymentMark(service=" shop ", version="v2", environment="prod", author="ann", url="https://ci/7", description="faster")
    found = marked(mark, now_ns=NOW)
    assert (found.service, found.version, found.at, found.source, found.status) == (
        "shop", "v2", NOW, DeploymentSource.MARK, DeploymentStatus.SUCCEEDED,
    )  # fmt: skip
    assert (found.environment, found.author, found.url, found.description) == ("prod", "ann", "https://ci/7", "faster")
    assert marked(mark, now_ns=NOW).id == found.id
    assert marked(mark, now_ns=NOW + 1).id != found.id


@pytest.mark.parametrize(("at", "expected"), [("now-5m", NOW - 5 * MINUTE), ("2026-03-02T09:00:00Z", NOW - 60 * MINUTE)])
def test_a_mark_may_say_when(at: str, expected: int) -> None:
    """Relative to now, or an instant."""
    assert marked(DeploymentMark(service="shop", version="1", at=at), now_ns=NOW).at == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [("service", " "), ("version", ""), ("service", "a\x00b"), ("author", "a\x1b[2J"), ("url", "javascript:alert(1)"), ("status", "done"),
     ("service", "x" * 201), ("unknown", "x"), ("description", "\ud800")],
)  # fmt: skip
def test_a_wrong_field_is_named(field: str, value: str) -> None:
    """What can't be kept, or is not meant, is refused with the field's name."""
    with pytest.raises(ValidationError) as refusal:
        DeploymentMark.model_validate({"service": "shop", "version": "1", field: value})
    assert refusal.value.errors()[0]["loc"] == (field,)


def test_a_mark_without_a_readable_time_is_refused() -> None:
    """The message names the field."""
    with pytest.raises(InvalidInput, match=r"^at: 'soon' is not an instant"):
        opened(Shelf()).mark(DeploymentMark(service="shop", version="1", at="soon"))


def test_telling_twice_changes_nothing() -> None:
    """The same id again is known, and what is new of it is kept."""
    shelf = Shelf()
    door = opened(shelf)
    begun = DeploymentMark(service="shop", version="1", id="run-7", status="started")
    assert len(door.mark(begun).recorded) == 1
    assert len(door.mark(begun).known) == 1
    assert door.mark(begun.model_copy(update={"status": "succeeded"})).known[0].status is DeploymentStatus.SUCCEEDED
    assert [one.status for one in shelf.kept.values()] == [DeploymentStatus.SUCCEEDED]


def test_what_nothing_can_keep_is_refused_and_counted() -> None:
    """A shelf that says no is passed on to the caller."""

    def full(_: Deployment) -> Kept:
        raise Conflict("deployment 'run-7' is one of mail")

    door = DeploymentDoor(full, ReplayClock(NOW, speed=0))
    with pytest.raises(Conflict, match="run-7"):
        door.mark(DeploymentMark(service="shop", version="1", id="run-7"))
    assert door.statistics().refused == {"mark": 1}


def test_times_out_of_bounds_are_refused() -> None:
    """A deployment of the day after tomorrow, or of before 1970, is a mistake of a clock."""
    door = opened(Shelf())
    for at in ("2026-03-04T10:00:00Z", "1969-12-31T23:59:59Z"):
        with pytest.raises(InvalidInput, match=r"shop 1 was deployed at .* expected an instant from 1970"):
            door.mark(DeploymentMark(service="shop", version="1", at=at))


def test_a_batch_counts_as_a_whole_or_not_at_all() -> None:
    """One wrong event in a batch, and nothing of it is recorded; the message says which."""
    shelf = Shelf()
    door = opened(shelf)
    wrong = event(id="e2")
    wrong["subject"] = {"content": {}}
    with pytest.raises(InvalidInput, match=r"^\[1\]\.subject\.id is missing$"):
        door.cdevents({"content-type": "application/cloudevents-batch+json"}, orjson.dumps([event(), wrong]))
    assert shelf.kept == {}
    assert door.statistics().refused == {"cdevents": 1}


def test_everything_is_counted() -> None:
    """Requests, what was new, known, ignored and refused, each by source."""
    door = opened(Shelf())
    door.cdevents({}, orjson.dumps(event()))
    door.cdevents({}, orjson.dumps([event(), event(type="dev.cdevents.pipelinerun.started.0.2.0")]))
    door.github({"x-github-event": "ping"}, b"{}")
    door.mark(DeploymentMark(service="shop", version="1"))
    counts = door.statistics()
    assert counts.requests == {"cdevents": 2, "github": 1, "mark": 1}
    assert counts.recorded == {"cdevents": 1, "mark": 1}
    assert counts.known == {"cdevents": 1}
    assert counts.ignored == {"cdevents": 1, "github": 1}
    assert counts.refused == {}


def test_a_late_message_is_answered_with_what_is_known() -> None:
    """GitHub gives no order: a start that arrives after the success turns nothing back, and the answer does not say that it did."""
    door = opened(Shelf())
    headers = {"x-github-event": "deployment_status", "content-type": "application/json"}

    def status(state: str, created: str) -> bytes:
        deployment = {"id": 77, "sha": "ab12", "ref": "v9.9", "environment": "production"}
        repository = {"full_name": "acme/shop"}
        return orjson.dumps(
            {"deployment_status": {"state": state, "created_at": created}, "deployment": deployment, "repository": repository}
        )

    done = door.github(headers, status("success", "2026-03-02T09:45:00Z")).recorded
    assert door.github(headers, status("in_progress", "2026-03-02T09:41:00Z")).known == done
    assert done[0].status is DeploymentStatus.SUCCEEDED
