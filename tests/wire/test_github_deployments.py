"""GitHub's webhooks as deployments: states, signatures, forms."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tocsin.clock import ReplayClock
from tocsin.errors import InvalidInput, ParseError
from tocsin.model.deployment import Deployment, DeploymentStatus, Kept
from tocsin.model.instant import parse_instant
from tocsin.wire.deployment_options import DeploymentOptions
from tocsin.wire.deployments import DeploymentDoor
from tocsin.wire.github_deployments import read_github

NOW = parse_instant("2026-03-02T10:00:00Z")
SECRET = "a long secret"


def webhook(state: str = "success", **deployment: Any) -> dict[str, Any]:
    """A webhook about deployment 41 of `market/cart`."""
    return {
        "action": "created",
        "deployment_status": {"state": state, "created_at": "2026-03-02T09:30:00Z", "creator": {"login": "eve"}, "log_url": "https://ci/9",
                              "description": "rolled\nout"},
        "deployment": {"id": 41, "sha": "f00d" * 10, "ref": "main", "environment": "production", "created_at": "2026-03-02T09:20:00Z",
                       "payload": {}, **deployment},
        "repository": {"full_name": "market/cart"},
    }  # fmt: skip


def read(document: Any, event: str = "deployment_status", services: dict[str, str] | None = None) -> Deployment | str:
    """Read a webhook."""
    return read_github(event, "application/json", orjson.dumps(document), services or {})


def deployment_of(document: Any, **options: Any) -> Deployment:
    """Read a webhook that tells of a deployment."""
    found = read(document, **options)
    assert isinstance(found, Deployment)
    return found


@pytest.mark.parametrize(
    ("state", "status"),
    [("queued", "started"), ("pending", "started"), ("in_progress", "started"), ("success", "succeeded"), ("failure", "failed"),
     ("error", "failed")],
)  # fmt: skip
def test_states_are_mapped(state: str, status: str) -> None:
    """Each state has its status, and all of them one id."""
    found = deployment_of(webhook(state))
    assert (found.status.value, found.id) == (status, "github:market/cart:41")


@pytest.mark.parametrize("state", ["inactive", "waiting", "paused"])
def test_states_that_change_nothing_are_ignored(state: str) -> None:
    """A newer deployment does not undo an older one, and an unknown state is said."""
    found = read(webhook(state))
    assert isinstance(found, str)
    assert state in found


def test_what_the_webhook_says_is_kept() -> None:
    """Service, version, time, author, address, words."""
    found = deployment_of(webhook())
    assert (found.service, found.version, found.environment, found.author) == ("cart", "f00d" * 10, "production", "eve")
    assert (found.at, found.url, found.description) == (NOW - 30 * 60 * 10**9, "https://ci/9", "rolled out")


@pytest.mark.parametrize(
    ("deployment", "version"),
    [({"ref": "v2.3.1"}, "v2.3.1"), ({"ref": "refs/tags/2.0"}, "2.0"), ({"payload": {"version": "7"}}, "7"),
     ({"payload": '{"version": "8"}'}, "8"), ({"payload": "no json"}, "f00d" * 10)],
)  # fmt: skip
def test_versions_are_what_telemetry_may_say(deployment: dict[str, Any], version: str) -> None:
    """The payload's version, a tag, else the commit: never the name of a branch."""
    assert deployment_of(webhook(**deployment)).version == version


def test_services_are_mapped() -> None:
    """By repository and environment, by repository, by the payload; else the repository's own name."""
    mapped = {"market/cart": "shop-cart", "market/cart@staging": "cart-stage"}
    assert deployment_of(webhook(), services=mapped).service == "shop-cart"
    assert deployment_of(webhook(environment="staging"), services=mapped).service == "cart-stage"
    assert deployment_of(webhook(payload={"service": "basket"}), services=mapped).service == "basket"


def test_a_deployment_alone_has_begun() -> None:
    """The event `deployment` tells of the start."""
    found = deployment_of(webhook(), event="deployment")
    assert (found.status, found.at) == (DeploymentStatus.STARTED, parse_instant("2026-03-02T09:20:00Z"))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "deployment is missing"),
        ({**webhook(), "deployment": {"id": "41"}}, r"deployment\.id: expected the number"),
        ({**webhook(), "deployment_status": {"state": "success"}}, r"deployment_status\.created_at is missing"),
        ({**webhook(), "repository": {"full_name": 1}}, r"repository\.full_name: expected a text"),
        ([], "the body: expected an object"),
    ],
)
def test_a_wrong_field_is_named(document: Any, said: str) -> None:
    """The message says where it stands."""
    with pytest.raises(InvalidInput, match=said):
        read(document)


def test_forms_are_read_too() -> None:
    """GitHub's other content type: the JSON as a field of a form."""
    body = urlencode({"payload": orjson.dumps(webhook()).decode()}).encode()
    found = read_github("deployment_status", "application/x-www-form-urlencoded", body, {})
    assert isinstance(found, Deployment)
    with pytest.raises(ParseError, match="no field `payload`"):
        read_github("deployment_status", "application/x-www-form-urlencoded", b"a=b", {})


def test_only_signed_events_pass_where_a_secret_is_set() -> None:
    """The signature of the very body, by the very secret."""
    kept: dict[str, Deployment] = {}
    door = DeploymentDoor(
        lambda one: Kept(one, kept.setdefault(one.id, one) is one),
        ReplayClock(NOW, speed=0),
        DeploymentOptions(github_secret=SecretStr(SECRET)),
    )
    body = orjson.dumps(webhook())
    headers = {"x-github-event": "deployment_status", "content-type": "application/json"}
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    for wrong in ("", "sha256=00", signature[:-1], "sha1=" + signature[7:], "\udcff"):
        with pytest.raises(InvalidInput, match="X-Hub-Signature-256"):
            door.github({**headers, "x-hub-signature-256": wrong}, body)
    with pytest.raises(InvalidInput, match="does not fit the body"):
        door.github({**headers, "x-hub-signature-256": signature}, body + b" ")
    assert kept == {}
    assert len(door.github({**headers, "x-hub-signature-256": signature}, body).recorded) == 1


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from(["deployment", "deployment_status", "repository"]), st.dictionaries(
        st.sampled_from(["id", "state", "ref", "sha", "payload", "created_at", "full_name", "environment", "creator", "description"]),
        st.none() | st.integers(-1, 2**40) | st.text(max_size=8) | st.lists(st.booleans(), max_size=2) | st.just("success")
        | st.just("2026-03-02T09:30:00Z") | st.just({}), max_size=6)),
    st.sampled_from(["deployment", "deployment_status", "push", ""]),
)  # fmt: skip
def test_any_webhook_is_read_or_refused(document: dict[str, Any], event: str) -> None:
    """A deployment, a reason, or a refusal: nothing else."""
    with suppress(InvalidInput):
        assert isinstance(read(document, event=event), Deployment | str)


@settings(max_examples=60)
@given(st.binary(max_size=100), st.sampled_from(["application/json", "application/x-www-form-urlencoded", ""]))
def test_any_bytes_are_read_or_refused(body: bytes, media_type: str) -> None:
    """Whatever comes, it is an answer or a refusal."""
    with suppress(InvalidInput):
        read_github("deployment", media_type, body, {})
