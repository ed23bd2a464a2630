"""
CDEvents about services as deployments: structured CloudEvents, batches of them, and binary mode.

    structured   Content-Type: application/cloudevents+json         {"specversion": "1.0", "type": ..., "data": {CDEvent}}
    batch        Content-Type: application/cloudevents-batch+json   [{...}, {...}]
    binary       ce-type: dev.cdevents.service.deployed.0.2.0       {CDEvent}
    a CDEvent    {"context": {"id", "source", "type", "timestamp"}, "subject": {"id", "content": {"environment", "artifactId"}}}

The CDEvent itself says all that counts, so the envelope is only looked through. Whatever is no event of a service, or of a version that is
not known here, is answered with a sentence that says so.

Source: CDEvents specification, 'Continuous Deployment Events' and 'CloudEvents Binding'; CloudEvents 1.0, 'HTTP Protocol Binding';
package URL specification.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from tocsin.errors import InvalidInput, LimitExceeded
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus
from tocsin.wire.json_fields import Fields, checked_text, read_json

BATCH_MEDIA = "application/cloudevents-batch+json"
EVENTS_MAX = 1000
NAME_LENGTH_MAX = 200
ID_LENGTH_MAX = 300
URL_LENGTH_MAX = 2000
STATUSES = {
    "deployed": DeploymentStatus.SUCCEEDED,
    "upgraded": DeploymentStatus.SUCCEEDED,
    "published": DeploymentStatus.SUCCEEDED,
    "rolledback": DeploymentStatus.ROLLED_BACK,
    "removed": DeploymentStatus.REMOVED,
}
VERSIONS = ("0.1", "0.2", "0.3")
TYPE = re.compile(r"dev\.cdevents\.service\.([a-z]+)\.(\d+\.\d+)\.\d+(?:-[0-9A-Za-z.-]+)?")


def read_cdevents(headers: Mapping[str, str], body: bytes, services: Mapping[str, str]) -> list[Deployment | str]:
    """
    The deployments of a request, and in their place why there is none where an event is none of them.

    Args:
        headers: Of the request, names in lower case.
        body: As it came.
        services: `service.name` by a subject's id.

    Raises:
        ParseError: The body is no JSON.
        InvalidInput: A field is missing or wrong; the message names it. Then nothing of the request counts.
        LimitExceeded: The batch has more than EVENTS_MAX events.
    """
    document = read_json(body)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == BATCH_MEDIA or isinstance(document, list):
        return _batch(document, services)
    return [_event(_unwrapped(Fields(document)), services, asked=headers.get("ce-type", ""))]


def version_of(artifact: str) -> str:
    """
    The version in a package URL: its tag, else what stands after `@`: `pkg:oci/shop@sha256%3Aab12?tag=v2` is `v2`.

    What is no package URL is a version itself.
    """
    if not artifact.startswith("pkg:"):
        return artifact
    path, _, qualifiers = artifact.partition("#")[0].partition("?")
    tags = [unquote(part.removeprefix("tag=")) for part in qualifiers.split("&") if part.startswith("tag=")]
    return tags[0] if tags else unquote(path.rpartition("@")[2] if "@" in path else "")


def _batch(document: Any, services: Mapping[str, str]) -> list[Deployment | str]:
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise InvalidInput("the body: expected an array of events, for so its media type says")
    if len(document) > EVENTS_MAX:
        raise LimitExceeded(f"the batch has {len(document)} events, more than {EVENTS_MAX}; send several")
    return [_event(_unwrapped(Fields(item, f"[{index}]")), services) for index, item in enumerate(document)]


def _unwrapped(envelope: Fields) -> Fields:
    """The CDEvent inside a CloudEvent, or the object itself where it has no envelope (binary mode)."""
    if "context" in envelope.values or "specversion" not in envelope.values:
        return envelope
    if isinstance(envelope.values.get("data"), Mapping):
        return envelope.child("data")
    # An event that is none of ours may well have no data, or data of another kind: its type is all that is asked.
    return Fields({"context": {"type": envelope.values.get("type")}}, envelope.path)


def _event(event: Fields, services: Mapping[str, str], *, asked: str = "") -> Deployment | str:
    context = event.child("context") if "context" in event.values or not asked else Fields({"type": asked}, "ce-type")
    kind = context.text("type", longest=NAME_LENGTH_MAX)
    match = TYPE.fullmatch(kind)
    if match is None or match[1] not in STATUSES:
        return f"{context.place('type')}: {kind!r} is none of the events of services that say what is deployed"
    if match[2] not in VERSIONS:
        return f"{context.place('type')}: version {match[2]} of service.{match[1]} is not known here; {', '.join(VERSIONS)} are"
    return _deployment(event, context, STATUSES[match[1]], services)


def _deployment(event: Fields, context: Fields, status: DeploymentStatus, services: Mapping[str, str]) -> Deployment:
    subject = event.child("subject")
    content = subject.optional_child("content")
    named = subject.text("id", longest=NAME_LENGTH_MAX)
    source = context.text("source", longest=URL_LENGTH_MAX)
    artifact = content.optional_text("artifactId", longest=URL_LENGTH_MAX)
    return Deployment(
        id=_identity(source, context.text("id", longest=ID_LENGTH_MAX)),
        service=services.get(named, named),
        version=checked_text(version_of(artifact), content.place("artifactId"), longest=NAME_LENGTH_MAX),
        at=context.instant("timestamp"),
        source=DeploymentSource.CDEVENTS,
        status=status,
        environment=_environment(content),
        url=source if source.startswith(("http://", "https://")) else "",
        description=artifact[:ID_LENGTH_MAX],
    )


def _environment(content: Fields) -> str:
    """Its name, or its id."""
    environment = content.optional_child("environment")
    return environment.optional_text("name", longest=NAME_LENGTH_MAX) or environment.optional_text("id", longest=NAME_LENGTH_MAX)


def _identity(source: str, event: str) -> str:
    """Source and id together name an event; sources are URLs of any length."""
    return f"cdevents:{hashlib.blake2b(source.encode(), digest_size=8).hexdigest()}:{event}"
