"""
Routes of Alertmanager's API.

    /alertmanager/api/v2/status, receivers                                (GET)
    /alertmanager/api/v2/alerts                                           (GET, POST), alerts/groups (GET)
    /alertmanager/api/v2/silences                                         (GET, POST), silence/<id> (GET, DELETE)
    /alertmanager/-/healthy, /alertmanager/-/ready
    /alertmanager/api/v1/*                                                gone, as it is there

Every handler is a function from what is asked to an answer that runs in a thread; `_route` puts the rest around it. What a handler refuses
is a text as JSON; what doesn't get that far `{"code", "message"}`. Of posted alerts those that make sense are taken, whatever is wrong with
the others; a client that got an answer of 200 may forget them: they are on the disk.

Source: Alertmanager's OpenAPI description, version 2; answers of Alertmanager 0.33 where that leaves something open.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import anyio
import orjson
from anyio import CapacityLimiter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.alert.desk import AlertDesk
from tocsin.api.alertmanager import render
from tocsin.api.alertmanager.bodies import WRONG_TYPE, read_alerts, read_silence
from tocsin.api.alertmanager.questions import alert_question, matchers_of, means_silence
from tocsin.api.body import Bodies
from tocsin.api.browser import ALERT_BODY_BYTES_MAX
from tocsin.api.context import context_of
from tocsin.api.errors import (
    ALERTMANAGER_PREFIX,
    JSON,
    InvalidField,
    UnsupportedMedia,
    alertmanager_error_response,
    alertmanager_gone_response,
    alertmanager_nothing_response,
    hang_up_response,
    status_of,
)
from tocsin.api.prometheus.parameters import Parameters
from tocsin.errors import Conflict, InvalidInput, LimitExceeded, NotFound, StoreError, Timeout, TocsinError
from tocsin.model.instant import Instant

CONCURRENT_MAX = 4  # requests that are worked on at the same time; the others wait
AUTHOR = "Alertmanager API"  # of the end of a silence, since its route names nobody
EVERY_METHOD = ("GET", "POST", "PUT", "DELETE", "PATCH")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One request.

    Args:
        desk: Who answers.
        now: When.
        parameters: Of the query string.
        id: The part of the path that is no constant.
        body: What was posted.
    """

    desk: AlertDesk
    now: Instant
    parameters: Parameters
    id: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class PostLimits:
    """
    What bounds bodies.

    Args:
        body_bytes_max: Of one.
        in_flight_bytes_max: Of all that are held at a time.
        read_s_max: Seconds within which one must have come.
        retry_after_s: Seconds after which somebody who is told to come back may.
    """

    body_bytes_max: int = ALERT_BODY_BYTES_MAX
    in_flight_bytes_max: int = 4 * ALERT_BODY_BYTES_MAX
    read_s_max: float = 30.0
    retry_after_s: float = 5.0


Handler: TypeAlias = Callable[[Asked], Response]


class AlertmanagerApi:
    """The routes, with the threads and the memory for bodies that they share."""

    def __init__(self) -> None:
        self._bodies = Bodies(PostLimits(), "alertmanager")
        self._threads: CapacityLimiter | None = None

    def routes(self) -> list[Route]:
        """All of them."""
        found = [self._route(path, handlers) for path, handlers in API]
        found.append(Route(f"{ALERTMANAGER_PREFIX}/api/v1/{{path:path}}", _gone, methods=list(EVERY_METHOD), name="alertmanager_v1"))
        found.append(Route(f"{ALERTMANAGER_PREFIX}/-/healthy", _healthy, methods=["GET"], name="alertmanager_healthy"))
        return [*found, Route(f"{ALERTMANAGER_PREFIX}/-/ready", _ready, methods=["GET"], name="alertmanager_ready")]

    def _route(self, path: str, handlers: Mapping[str, Handler]) -> Route:
        async def answer(request: Request) -> Response:
            handler = handlers["GET" if request.method == "HEAD" else request.method]
            try:
                context = context_of(request)
                if context.alerts is None:
                    raise NotFound("there are no alerts behind this server: it answers questions about telemetry only")
                if request.method == "POST":
                    _check_media_type(request)
                asked = Asked(context.alerts, context.clock.now_ns(), await Parameters.of(request), _id_of(request))
                if request.method != "POST":
                    return await self._in_thread(handler, asked)
                with self._bodies.held() as held:
                    asked = replace(asked, body=await _read(request, held.read))
                    return await self._in_thread(handler, asked)
            except TocsinError as error:
                return alertmanager_error_response(error)
            except ClientDisconnect:
                return hang_up_response()

        name = path.partition("/{")[0].replace("/", "_")
        return Route(f"{ALERTMANAGER_PREFIX}/api/v2/{path}", answer, methods=list(handlers), name=f"alertmanager_{name}")

    async def _in_thread(self, handler: Handler, asked: Asked) -> Response:
        if self._threads is None:  # belongs to the event loop that serves
            self._threads = CapacityLimiter(CONCURRENT_MAX)
        return await anyio.to_thread.run_sync(handler, asked, limiter=self._threads)


def show_status(asked: Asked) -> Response:
    """`status`: the configuration and the version that is spoken."""
    return _json(render.status(asked.desk.status()))


def list_receivers(asked: Asked) -> Response:
    """`receivers`: everybody whom the configuration names."""
    return _json([render.receiver(one) for one in asked.desk.receivers()])


def list_alerts(asked: Asked) -> Response:
    """`alerts`: what fires and is asked for, by fingerprint."""
    question = alert_question(asked.parameters, _labels_of_receivers(asked.desk))
    found = [
        render.alert(view.alert, view.status, asked.now)
        for view in asked.desk.alerts(question.wanted)
        if question.means(view.status) and question.meant(view.status.receivers)
    ]
    return _json(sorted(found, key=lambda shown: str(shown["fingerprint"])))


def list_groups(asked: Asked) -> Response:
    """`alerts/groups`: the same by groups, these by their labels."""
    question = alert_question(asked.parameters, _labels_of_receivers(asked.desk))
    found = []
    for group in asked.desk.groups(question.wanted):
        alerts = tuple(
            (alert, replace(status, receivers=question.meant(status.receivers)))
            for alert, status in group.alerts
            if question.means(status) and (question.muted or not status.muted_by)
        )
        if alerts and question.meant([group.state.receiver]):
            found.append(replace(group, alerts=alerts))
    found.sort(key=lambda group: (*render.label_order(group.state.labels), group.state.receiver, group.state.group_key))
    return _json([render.group(group, asked.now) for group in found])


def post_alerts(asked: Asked) -> Response:
    """`alerts`: take those that make sense, and say what is wrong with the others, a line for each."""
    answer = asked.desk.post(read_alerts(asked.body))
    if answer.refused:
        raise InvalidInput("\n".join(answer.refused))
    return _nothing()


def list_silences(asked: Asked) -> Response:
    """`silences`: those in force, then those that come, then those that ended."""
    matchers = matchers_of(asked.parameters, "filter")
    found = asked.desk.silences.list()
    return _json([render.silence(view) for view in found if means_silence(view, asked.parameters, matchers)])


def post_silence(asked: Asked) -> Response:
    """`silences`: enter one, or change the one whose id it has."""
    return _json({"silenceID": asked.desk.silences.put(read_silence(asked.body))})


def show_silence(asked: Asked) -> Response:
    """`silence/<id>`: one of them."""
    try:
        return _json(render.silence(asked.desk.silences.get(asked.id)))
    except NotFound:
        return alertmanager_nothing_response()


def end_silence(asked: Asked) -> Response:
    """`silence/<id>`: end it; one that has ended already stays as it is."""
    try:
        asked.desk.silences.expire(asked.id, AUTHOR)
    except NotFound:
        return alertmanager_nothing_response()
    except Conflict:
        return _nothing()
    return _nothing()


API: tuple[tuple[str, Mapping[str, Handler]], ...] = (
    ("status", {"GET": show_status}),
    ("receivers", {"GET": list_receivers}),
    ("alerts", {"GET": list_alerts, "POST": post_alerts}),
    ("alerts/groups", {"GET": list_groups}),
    ("silences", {"GET": list_silences, "POST": post_silence}),
    ("silence/{id}", {"GET": show_silence, "DELETE": end_silence}),
)


def _check_media_type(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON and request.headers.get("content-length", "") != "0":
        raise UnsupportedMedia(f'unsupported media type "{media_type[:80] or "application/octet-stream"}", only [{JSON}] are allowed')


async def _read(request: Request, read: Callable[[Request], Awaitable[bytes]]) -> bytes:
    try:
        return await read(request)
    except LimitExceeded:
        raise LimitExceeded(f"the body is larger than {ALERT_BODY_BYTES_MAX} bytes; post fewer alerts at once") from None
    except Timeout:
        raise Timeout(f"the body did not arrive within {PostLimits().read_s_max:g} s; post it again") from None


def _id_of(request: Request) -> str:
    found = str(request.path_params.get("id", ""))
    if found and not _UUID.fullmatch(found):
        raise InvalidField(f"silenceID in path must be of type uuid: {found[:100]!r}", number=WRONG_TYPE)
    return found


def _labels_of_receivers(desk: AlertDesk) -> dict[str, dict[str, str]]:
    return {one.name: render.receiver_labels(one) for one in desk.receivers()}


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), media_type=JSON, headers={"Cache-Control": "no-store"})


def _nothing() -> Response:
    return Response(headers={"Cache-Control": "no-store"})


async def _gone(_request: Request) -> Response:
    return alertmanager_gone_response()


async def _healthy(_request: Request) -> Response:
    return Response("OK", media_type="text/plain")


async def _ready(request: Request) -> Response:
    judge = context_of(request).readiness
    readiness = None if judge is None else await anyio.to_thread.run_sync(judge)
    if readiness is None or readiness.ready:
        return Response("OK", media_type="text/plain")
    broken = "; ".join(f"{part.name}: {part.detail}" for part in readiness.dependencies if not part.works)
    return Response(f"not ready: {broken}\n", status_of(StoreError(broken)), media_type="text/plain")
