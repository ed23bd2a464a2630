"""CDEvents as deployments: each way to send one, each kind, and whatever else may come."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.errors import InvalidInput, LimitExceeded
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus
from tocsin.model.instant import parse_instant
from tocsin.wire.cdevents import read_cdevents, version_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def cdevent(kind: str = "deployed", version: str = "0.2.0", **subject: Any) -> dict[str, Any]:
    """A CDEvent about the service `cart`."""
    content = {"environment": {"id": "eu-1", "source": "/clusters"}, "artifactId": "pkg:oci/cart@sha256%3A0b31?tag=3.4.1"}
    return {
        "context": {"version": "0.4.1", "id": "a-17", "source": "https://ci.example/jobs/4",
                    "type": f"dev.cdevents.service.{kind}.{version}", "timestamp": "2026-02-03T04:05:06.7+01:00"},
        "subject": {"id": "cart", "type": "service", "content": content, **subject},
    }  # fmt: skip


def cloudevent(data: Any, kind: str = "dev.cdevents.service.deployed.0.2.0") -> dict[str, Any]:
    """An envelope around it."""
    return {"specversion": "1.0", "id": "a-17", "source": "/x", "type": kind, "datacontenttype": "application/json", "data": data}


WAYS: dict[str, tuple[dict[str, str], Any]] = {
    "structured": ({"content-type": "application/cloudevents+json; charset=utf-8"}, cloudevent(cdevent())),
    "batch": ({"content-type": "application/cloudevents-batch+json"}, [cloudevent(cdevent())]),
    "binary": ({"content-type": "application/json", "ce-type": "dev.cdevents.service.deployed.0.2.0", "ce-id": "a-17"}, cdevent()),
    "bare": ({}, cdevent()),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_tells_the_same(way: str) -> None:
    """Structured, batched, in binary mode, or as it is: one deployment, with what the event says."""
    headers, document = WAYS[way]
    (found,) = read_cdevents(headers, orjson.dumps(document), {"cart": "shop-cart"})
    assert isinstance(found, Deployment)
    assert (found.service, found.version, found.environment) == ("shop-cart", "3.4.1", "eu-1")
    assert (found.at, found.source) == (parse_instant("2026-02-03T03:05:06.7Z"), DeploymentSource.CDEVENTS)
    assert found.url == "https://ci.example/jobs/4"
    assert found.id.endswith(":a-17")


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0", "0.3.0", "0.3.0-draft"])
@pytest.mark.parametrize(
    ("kind", "status"),
    [("deployed", DeploymentStatus.SUCCEEDED), ("upgraded", DeploymentStatus.SUCCEEDED), ("published", DeploymentStatus.SUCCEEDED),
     ("rolledback", DeploymentStatus.ROLLED_BACK), ("removed", DeploymentStatus.REMOVED)],
)  # fmt: skip
def test_every_event_of_services_is_known(kind: str, status: DeploymentStatus, version: str) -> None:
    """Five kinds in three versions."""
    (found,) = read_cdevents({}, orjson.dumps(cdevent(kind, version)), {})
    assert isinstance(found, Deployment)
    assert found.status is status


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (cdevent("deployed", "0.9.0"), "version 0.9 of service.deployed is not known here; 0.1, 0.2, 0.3 are"),
        (cdevent("paused"), "is none of the events of services"),
        (cloudevent("AAEC", "com.example.file.made"), "'com.example.file.made' is none of the events of services"),
        (cloudevent(None, "com.example.file.made"), "'com.example.file.made' is none of the events of services"),
    ],
)
def test_other_events_are_answered_with_the_reason(document: Any, said: str) -> None:
    """They are no mistake, and not passed over in silence."""
    (found,) = read_cdevents({}, orjson.dumps(document), {})
    assert isinstance(found, str)
    assert said in found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": {}}, r"^subject\.id is missing"),
        ({"subject": {"id": 7}}, r"^subject\.id: expected a text, found 7"),
        ({"subject": {"id": "a\u0000b"}}, r"^subject\.id: expected a text without control characters"),
        ({"subject": {"id": "a", "content": []}}, r"^subject\.content: expected an object, found an array"),
        ({"subject": {"id": "a", "content": {"artifactId": "pkg:oci/a@" + "1" * 300}}}, "artifactId: expected at most 200 characters"),
        ({"context": {}}, r"^context\.type is missing"),
        ({"context": {**cdevent()["context"], "timestamp": "yesterday"}}, r"^context\.timestamp: 'yesterday' is not an instant"),
        ({"context": {**cdevent()["context"], "source": ""}}, r"^context\.source: expected a text, found an empty one"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], said: str) -> None:
    """The message says where it stands and what was expected."""
    with pytest.raises(InvalidInput, match=said):
        read_cdevents({}, orjson.dumps({**cdevent(), **change}), {})


def test_a_batch_has_an_end() -> None:
    """A thousand events are enough for one request, and a batch is an array."""
    with pytest.raises(LimitExceeded, match="1001 events"):
        read_cdevents({}, orjson.dumps([cdevent()] * 1001), {})
    with pytest.raises(InvalidInput, match="expected an array"):
        read_cdevents({"content-type": "application/cloudevents-batch+json"}, orjson.dumps(cdevent()), {})


def test_events_of_two_sources_are_told_apart() -> None:
    """An id counts within its source."""
    other = cdevent()
    other["context"]["source"] = "/elsewhere"
    found = read_cdevents({}, orjson.dumps([cdevent(), other]), {})
    assert len({one.id for one in found if isinstance(one, Deployment)}) == 2


@pytest.mark.parametrize(
    ("artifact", "version"),
    [
        ("pkg:oci/shop@sha256%3Aab12?repository_url=r.example/shop&tag=v2", "v2"),
        ("pkg:oci/shop@sha256%3Aab12", "sha256:ab12"),
        ("pkg:npm/%40angular/core@12.3.1", "12.3.1"),
        ("pkg:golang/g.example/app@234fd4#cmd/x", "234fd4"),
        ("pkg:deb/debian/curl", ""),
        ("2.3.1", "2.3.1"),
        ("", ""),
    ],
)
def test_versions_come_out_of_package_urls(artifact: str, version: str) -> None:
    """The tag, else what stands after the at sign."""
    assert version_of(artifact) == version


@settings(max_examples=60)
@given(JSON, st.sampled_from(["", "application/cloudevents-batch+json", "application/cloudevents+json"]))
def test_any_json_is_read_or_refused(document: Any, media_type: str) -> None:
    """Nothing that parses as JSON makes more than a refusal."""
    with suppress(InvalidInput):
        read_cdevents({"content-type": media_type, "ce-type": "x"}, orjson.dumps(document), {})


@settings(max_examples=60)
@given(st.fixed_dictionaries({"context": JSON, "subject": JSON}), st.data())
def test_any_part_of_an_event_may_be_wrong(parts: dict[str, Any], data: st.DataObject) -> None:
    """Each part of a good event replaced by anything: a deployment, a reason, or a refusal."""
    document = cdevent()
    where = data.draw(st.sampled_from([("subject", "id"), ("subject", "content"), ("context", "timestamp"), ("context", "type")]))
    document[where[0]][where[1]] = parts["context"]
    with suppress(InvalidInput):
        (found,) = read_cdevents({}, orjson.dumps(document), {})
        assert isinstance(found, Deployment | str)


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Whatever comes, it is an answer or a refusal."""
    with suppress(InvalidInput):
        read_cdevents({}, body, {})
