"""
GitHub's webhooks `deployment` and `deployment_status` as deployments.

    X-GitHub-Event: deployment_status          {"deployment_status": {"state": "success", "created_at": ...},
    X-Hub-Signature-256: sha256=<HMAC of body>  "deployment": {"id": 7, "sha": ..., "ref": "v2.3.1", "environment": "production"},
                                                "repository": {"full_name": "shop/checkout"}}

A deployment keeps one id through all its states, so each event brings what is recorded up to date. `inactive` says that a newer one took
its place, which changes nothing about how it ended.

Source: GitHub documentation, 'Webhook events and payloads' and 'Validating webhook deliveries'.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from tocsin.errors import InvalidInput, ParseError
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus
from tocsin.wire.json_fields import Fields, checked_text, read_json

NAME_LENGTH_MAX = 200
URL_LENGTH_MAX = 2000
DESCRIPTION_LENGTH_MAX = 1000
STATES = {
    "queued": DeploymentStatus.STARTED,
    "pending": DeploymentStatus.STARTED,
    "in_progress": DeploymentStatus.STARTED,
    "success": DeploymentStatus.SUCCEEDED,
    "failure": DeploymentStatus.FAILED,
    "error": DeploymentStatus.FAILED,
}
WITHOUT_EFFECT = {
    "inactive": "the state `inactive` says that a newer deployment took its place; what is recorded stands",
    "waiting": "the state `waiting` says that a deployment waits for somebody's leave; nothing was deployed yet",
}
VERSION_REF = re.compile(r"v?\d+(\.\d+)*([-+.].*)?")


def check_signature(body: bytes, signature: str, secret: str) -> None:
    """
    Hold a body against its signature, in a time that does not depend on where they differ.

    Raises:
        InvalidInput: There is no signature, or not the one that the secret gives.
    """
    if not signature:
        raise InvalidInput("X-Hub-Signature-256 is missing: set the webhook's secret to that of deployments.github_secret")
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.strip().encode("utf-8", "surrogateescape")):
        raise InvalidInput("X-Hub-Signature-256 does not fit the body: is the webhook's secret that of deployments.github_secret?")


def read_github(event: str, media_type: str, body: bytes, services: Mapping[str, str]) -> Deployment | str:
    """
    The deployment of an event, or why there is none in it.

    Args:
        event: The header X-GitHub-Event.
        media_type: `application/json`, or `application/x-www-form-urlencoded` with the JSON as `payload`.
        body: As it came.
        services: `service.name` by repository, or by `repository@environment`.

    Raises:
        ParseError: The body does not read.
        InvalidInput: A field is missing or wrong; the message names it.
    """
    if not event:
        raise InvalidInput("X-GitHub-Event is missing: is this a webhook of GitHub?")
    if event not in {"deployment", "deployment_status"}:
        return f"the event {event[:NAME_LENGTH_MAX]!r} is none of deployments; `deployment_status` and `deployment` are"
    document = Fields(read_json(_payload(media_type, body)))
    deployment = document.child("deployment")
    if event == "deployment":
        return _deployment(document, deployment, deployment, DeploymentStatus.STARTED, services)
    status = document.child("deployment_status")
    state = status.text("state", longest=NAME_LENGTH_MAX)
    if state in WITHOUT_EFFECT:
        return WITHOUT_EFFECT[state]
    if state not in STATES:
        known = ", ".join([*STATES, *WITHOUT_EFFECT])
        return f"{status.place('state')}: {state!r} is none of the states that are known here ({known})"
    return _deployment(document, deployment, status, STATES[state], services)


def _deployment(document: Fields, deployment: Fields, told: Fields, status: DeploymentStatus, services: Mapping[str, str]) -> Deployment:
    """`told` is the part that says when and how: the status, or the deployment itself."""
    repository = document.child("repository").text("full_name", longest=NAME_LENGTH_MAX)
    environment = deployment.optional_text("environment", longest=NAME_LENGTH_MAX)
    payload = _own_payload(deployment)
    creator = told.optional_child("creator").optional_text("login", longest=NAME_LENGTH_MAX)
    url = told.optional_text("target_url", longest=URL_LENGTH_MAX) or told.optional_text("log_url", longest=URL_LENGTH_MAX)
    return Deployment(
        id=f"github:{repository}:{_number(deployment, 'id')}",
        service=_service(repository, environment, payload, services),
        version=_version(deployment, payload),
        at=told.instant("created_at"),
        source=DeploymentSource.GITHUB,
        status=status,
        environment=environment,
        author=creator or deployment.optional_child("creator").optional_text("login", longest=NAME_LENGTH_MAX),
        url=url,
        description=told.prose("description", longest=DESCRIPTION_LENGTH_MAX)
        or deployment.prose("description", longest=DESCRIPTION_LENGTH_MAX),
    )


def _service(repository: str, environment: str, payload: Mapping[str, Any], services: Mapping[str, str]) -> str:
    named = payload.get("service")
    if isinstance(named, str) and named.strip():
        return checked_text(named, "deployment.payload.service", longest=NAME_LENGTH_MAX)
    return services.get(f"{repository}@{environment}") or services.get(repository) or repository.rpartition("/")[2]


def _version(deployment: Fields, payload: Mapping[str, Any]) -> str:
    """What the payload calls it, else the ref where that looks like a version (`v2.3.1`, not `main`), else the commit."""
    named = payload.get("version")
    if isinstance(named, str) and named.strip():
        return checked_text(named, "deployment.payload.version", longest=NAME_LENGTH_MAX)
    ref = deployment.optional_text("ref", longest=NAME_LENGTH_MAX).removeprefix("refs/tags/")
    return ref if VERSION_REF.fullmatch(ref) else deployment.optional_text("sha", longest=NAME_LENGTH_MAX) or ref


def _own_payload(deployment: Fields) -> Mapping[str, Any]:
    """What whoever deployed gave along: an object, or an object written as a text."""
    value = deployment.values.get("payload")
    if isinstance(value, str):
        try:
            value = read_json(value.encode("utf-8", "surrogatepass"))
        except ParseError:
            return {}
    return value if isinstance(value, Mapping) else {}


def _number(fields: Fields, name: str) -> int:
    value = fields.values.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise InvalidInput(f"{fields.place(name)}: expected the number of a deployment, found {value!r:.60}")
    return value


def _payload(media_type: str, body: bytes) -> bytes:
    if media_type != "application/x-www-form-urlencoded":
        return body
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=10).get("payload")
    except ValueError as error:
        raise ParseError(f"the body is no form: {error}") from error
    if not found:
        raise ParseError("the form has no field `payload`")
    return found[0].encode()
