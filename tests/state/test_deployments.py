"""Deployments: told once, told twice, told late."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from tests.state.builders import MINUTE, NOW, deployment

from tocsin.errors import Conflict
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus, Kept
from tocsin.state.audit import AuditAction
from tocsin.state.state import State


def test_a_deployment_is_kept_as_it_was_told(state: State) -> None:
    """What was recorded is listed, to the nanosecond and with every field."""
    told = deployment(
        status=DeploymentStatus.ROLLED_BACK,
        environment="production",
        url="https://example.org/1",
        description="two words",
        previous_version="1",
    )
    assert state.deployments.record(told) == Kept(told, is_new=True)
    assert state.deployments.list() == [told]


def test_telling_twice_changes_nothing(state: State) -> None:
    """The same message again is not new, and leaves no second row in the audit."""
    assert state.deployments.record(deployment()).is_new
    assert state.deployments.record(deployment()) == Kept(deployment(), is_new=False)
    assert state.deployments.list() == [deployment()]
    assert [entry.action for entry in state.audit.list()] == [AuditAction.DEPLOYMENT_MARKED]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_the_order_of_messages_does_not_matter(state: State, order: tuple[int, ...]) -> None:
    """However the messages about one deployment arrive, the latest moment's status stands and every text that was told is known."""
    start = deployment(source=DeploymentSource.GITHUB, author="", version="")
    messages = [
        replace(start, status=DeploymentStatus.STARTED, author="ada"),
        replace(start, status=DeploymentStatus.FAILED, at=NOW + MINUTE, version="1.2.0"),
        replace(start, status=DeploymentStatus.ROLLED_BACK, at=NOW + 2 * MINUTE, url="https://example.org/7"),
    ]
    assert [state.deployments.record(messages[index]).is_new for index in order] == [True, False, False]
    assert state.deployments.list() == [replace(messages[2], author="ada", version="1.2.0")]


@pytest.mark.parametrize("source", [DeploymentSource.GITHUB, DeploymentSource.CDEVENTS])
@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_the_latest_of_a_machines_messages_stands_by_its_own_time(state: State, order: tuple[int, ...], source: DeploymentSource) -> None:
    """A success told twice, with a failure between: status and time are those of the last, whichever arrives last; each answer says so."""
    start = deployment(source=source)
    messages = [
        replace(start, status=DeploymentStatus.STARTED),
        replace(start, status=DeploymentStatus.SUCCEEDED, at=NOW + MINUTE),
        replace(start, status=DeploymentStatus.FAILED, at=NOW + 2 * MINUTE),
        replace(start, status=DeploymentStatus.SUCCEEDED, at=NOW + 3 * MINUTE),
    ]
    for position, index in enumerate(order):
        kept = state.deployments.record(messages[index])
        assert kept == Kept(messages[max(order[: position + 1])], is_new=position == 0)
    assert state.deployments.list() == [messages[3]]


@pytest.mark.parametrize("first_last", [False, True])
@pytest.mark.parametrize("pair", [("started", "failed"), ("succeeded", "rolled_back"), ("rolled_back", "removed")])
def test_at_the_same_instant_the_later_part_of_life_stands(state: State, pair: tuple[str, str], first_last: bool) -> None:
    """Two messages of one instant: whichever comes first, what follows in a deployment's life is what is known."""
    messages = [deployment(source=DeploymentSource.GITHUB, status=DeploymentStatus(status)) for status in pair]
    for message in reversed(messages) if first_last else messages:
        state.deployments.record(message)
    assert [known.status.value for known in state.deployments.list()] == [pair[1]]


@pytest.mark.parametrize("started_last", [False, True])
def test_a_start_and_a_success_in_one_second_end_in_success(state: State, started_last: bool) -> None:
    """Some sources tell whole seconds: of a start and an end at the same instant, the end stands."""
    messages = [deployment(status=DeploymentStatus.STARTED), deployment(status=DeploymentStatus.SUCCEEDED)]
    for message in reversed(messages) if started_last else messages:
        state.deployments.record(message)
    assert [known.status for known in state.deployments.list()] == [DeploymentStatus.SUCCEEDED]


def test_a_time_can_be_corrected(state: State) -> None:
    """A mark made again with the same status and an earlier time moves the deployment there."""
    state.deployments.record(deployment())
    state.deployments.record(deployment(at=NOW - MINUTE))
    assert [known.at for known in state.deployments.list()] == [NOW - MINUTE]


def test_an_id_belongs_to_one_service(state: State) -> None:
    """An id that is told of another service is refused, and nothing changes."""
    state.deployments.record(deployment())
    with pytest.raises(Conflict, match="'d1' is one of checkout, and was now told of cart"):
        state.deployments.record(deployment(service="cart"))
    assert state.deployments.list() == [deployment()]


def test_deployments_are_listed_newest_first_and_by_time_and_service(state: State) -> None:
    """The range is half-open, the limit cuts the oldest."""
    told = [deployment(id=f"d{index}", at=NOW + index * MINUTE, service="cart" if index % 2 else "checkout") for index in range(6)]
    for each in told:
        state.deployments.record(each)

    def ids(found: object) -> list[str]:
        assert isinstance(found, list)
        return [each.id for each in found if isinstance(each, Deployment)]

    assert ids(state.deployments.list()) == ["d5", "d4", "d3", "d2", "d1", "d0"]
    assert ids(state.deployments.list(limit=2)) == ["d5", "d4"]
    assert ids(state.deployments.list("cart")) == ["d5", "d3", "d1"]
    assert ids(state.deployments.list(None, NOW + MINUTE, NOW + 3 * MINUTE)) == ["d2", "d1"]
    assert ids(state.deployments.list("nobody")) == []


def test_only_people_are_audited(state: State) -> None:
    """A mark leaves its author in the audit; what machines tell does not."""
    for index, source in enumerate(DeploymentSource):
        state.deployments.record(deployment(id=f"d{index}", source=source))
    (entry,) = state.audit.list()
    assert (entry.author, entry.action, entry.subject, entry.at) == ("ada", AuditAction.DEPLOYMENT_MARKED, "d0", NOW)
    assert entry.detail == "checkout 1.2.0: succeeded"
