"""
HTTP of channels: one POST, and what its answer means.

    2xx                            told
    408, 425, 429, 5xx, no answer  not now: again later, after Retry-After where it is said
    everything else                lasting: the same again would be refused again

A redirect is not followed: what is sent holds secrets, and they are for the address that somebody wrote down. Messages name the host alone,
because the rest of an address often is the secret.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from tocsin.alert.notify.channel import scrubbed
from tocsin.alert.notify.deadline import Deadline
from tocsin.alert.notify.tls import tls_context
from tocsin.alert.routing.receivers import HttpConfig
from tocsin.clock import Clock
from tocsin.errors import DeliveryError
from tocsin.model.instant import NANOSECONDS

USER_AGENT = "Tocsin"
BODY_BYTES_MAX = 16_384  # of an answer; no receiver has more to say
RETRY_AFTER_S_MAX = 3600.0
TOKEN_MARGIN_S = 30.0
NO_IDLE = httpx.Limits(max_keepalive_connections=0)  # a deadline watches connections as they are made; pages are rare
_PASSING = frozenset({httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What a receiver answered.

    Args:
        status: HTTP status, with its phrase: `202 Accepted`.
        body: At most 16 KiB of it.
    """

    status: str
    body: str


class HttpSender:
    """
    Posts to one receiver. Safe to use from several threads.

    Args:
        config: Proxy, TLS and who we are.
        timeout_s: Longest time for one request, seconds.
        clock: For time limits, and for answers that name a date.
        secrets: What no message may hold, beside what `config` holds.
    """

    def __init__(self, config: HttpConfig, *, timeout_s: float, clock: Clock, secrets: Sequence[SecretStr | None] = ()) -> None:
        self._config = config
        self._clock = clock
        self._timeout_s = timeout_s
        self._secrets = [*_texts(secrets), *_secrets_of(config)]
        self._client = http_client(config, timeout_s)
        self._lock = threading.Lock()
        self._sending = 0
        self._closed = False
        self._token = ""
        self._token_until_s = 0.0

    def post(
        self, url: str, body: Any = None, *, headers: Mapping[str, str] | None = None, content: bytes | None = None, method: str = "POST"
    ) -> Reply:
        """
        Send, and read the answer.

        Args:
            url: Where to; nothing but its host is ever shown.
            body: Sent as JSON, unless `content` is given.
            headers: Beside those of the configuration.
            content: Bytes to send as they are.
            method: POST, or another.

        Raises:
            DeliveryError: The receiver did not take it.
        """
        data = content if content is not None else json_bytes(body)
        secrets = [*self._secrets, *url_secrets(url)]
        sent = {"User-Agent": USER_AGENT, "Content-Type": "application/json", **(headers or {})}
        with self._under_way():
            reply = self._asked(method, url, data, sent, secrets)
        return Reply(reply.status, scrubbed(reply.body, secrets, BODY_BYTES_MAX))

    def close(self) -> None:
        """Send nothing more, and close connections once nobody sends by them; idempotent."""
        with self._lock:
            self._closed = True
            idle = not self._sending
        if idle:
            self._client.close()

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        """While a request is: the configuration may be replaced under it, and what was begun shall end."""
        with self._lock:
            if self._closed:
                raise DeliveryError("the configuration was just replaced; the next try goes by the new one")
            self._sending += 1
        try:
            yield
        finally:
            with self._lock:
                self._sending -= 1
                over = self._closed and not self._sending
            if over:
                self._client.close()

    def _asked(self, method: str, url: str, data: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> Reply:
        where = host_of(url)
        deadline = Deadline(self._timeout_s)
        try:
            ready = {**headers, **self._authorization()}
            extensions: dict[str, Any] = {"trace": deadline.trace}
            if self._config.tls_config.server_name:
                extensions["sni_hostname"] = self._config.tls_config.server_name
            with deadline, self._client.stream(method, url, content=data, headers=ready, extensions=extensions) as response:
                body = _beginning(response)
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            late = deadline.over or isinstance(error, httpx.TimeoutException)
            why = "no whole answer in time" if late else str(error) or type(error).__name__
            raise DeliveryError(f"{where} can't be reached: {scrubbed(why, secrets)}") from None
        except (httpx.InvalidURL, ValueError, UnicodeError) as error:
            raise DeliveryError(f"the address of {where} can't be used: {type(error).__name__}", lasting=True) from None
        status = f"{response.status_code} {response.reason_phrase}".strip()
        if response.is_success:
            return Reply(status, body)
        raise self._refused(where, status, response, scrubbed(body, secrets))

    def _refused(self, where: str, status: str, response: httpx.Response, said: str) -> DeliveryError:
        passing = response.status_code in _PASSING or response.is_server_error
        hint = ""
        if response.is_redirect:
            target = host_of(str(response.headers.get("location", "")))
            hint = f" to {target}; redirects are not followed: write down where it leads"
        retry_after_s = self._retry_after_s(response.headers.get("retry-after", "")) if passing else None
        return DeliveryError(
            f"{where} answered {status}{hint}{f': {said}' if said else ''}", lasting=not passing, retry_after_s=retry_after_s
        )

    def _retry_after_s(self, text: str) -> float | None:
        """Seconds that a receiver asks for, as a number or a date."""
        with suppress(ValueError, OverflowError):
            return min(max(0.0, float(text)), RETRY_AFTER_S_MAX)
        with suppress(ValueError, TypeError):
            date = parsedate_to_datetime(text)
            present = datetime.fromtimestamp(self._clock.now_ns() / NANOSECONDS, tz=UTC)
            return min(max(0.0, (date.astimezone(UTC) - present).total_seconds()), RETRY_AFTER_S_MAX)
        return None

    def _authorization(self) -> Mapping[str, str]:
        """A token of OAuth 2, where one is needed; all else the client has."""
        oauth2 = self._config.oauth2
        if oauth2 is None:
            return {}
        if self._clock.monotonic_s() >= self._token_until_s:
            secret = oauth2.client_secret.get_secret_value() if oauth2.client_secret else ""
            form = {**oauth2.endpoint_params, "grant_type": "client_credentials"}
            if oauth2.scopes:
                form["scope"] = " ".join(oauth2.scopes)
            with httpx.Client(verify=tls_context(oauth2.tls_config), trust_env=False, timeout=self._timeout_s) as client:
                answer = client.post(oauth2.token_url, data=form, auth=(oauth2.client_id, secret))
            where = host_of(oauth2.token_url)
            if not answer.is_success:
                raise DeliveryError(f"{where} gave no token: it answered {answer.status_code}", lasting=answer.is_client_error)
            self._keep_token(where, answer)
        return {"Authorization": f"Bearer {self._token}"}

    def _keep_token(self, where: str, answer: httpx.Response) -> None:
        try:
            given = answer.json()
            token, lasts_s = str(given["access_token"]), float(given.get("expires_in", 60))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DeliveryError(f"{where} gave no token: its answer holds none") from None
        self._token, self._token_until_s = token, self._clock.monotonic_s() + lasts_s - TOKEN_MARGIN_S
        self._secrets.append(token)


def http_client(config: HttpConfig, timeout_s: float) -> httpx.Client:
    """
    A client with a configuration's proxy, TLS, user and headers; it follows no redirect.

    Raises:
        ConfigError: A certificate can't be read.
    """
    context = tls_context(config.tls_config)
    mounts: dict[str, httpx.BaseTransport | None] = {}
    if config.proxy_url:
        proxy = httpx.Proxy(config.proxy_url.get_secret_value())
        mounts["all://"] = httpx.HTTPTransport(verify=context, proxy=proxy, limits=NO_IDLE)
        for host in filter(None, (one.strip() for one in config.no_proxy.split(","))):
            mounts[f"all://*{host}" if host.startswith(".") else f"all://{host}"] = None
    headers = [(name, value.get_secret_value()) for name, values in config.http_headers.items() for value in values]
    auth: httpx.Auth | None = None
    if config.basic_auth:
        password = config.basic_auth.password
        auth = httpx.BasicAuth(config.basic_auth.username, password.get_secret_value() if password else "")
    elif config.authorization and config.authorization.credentials:
        headers.append(("Authorization", f"{config.authorization.type} {config.authorization.credentials.get_secret_value()}"))
    return httpx.Client(
        verify=context,
        auth=auth,
        headers=headers,
        mounts=mounts or None,
        trust_env=config.proxy_from_environment,
        follow_redirects=False,
        timeout=httpx.Timeout(timeout_s),
        limits=NO_IDLE,
    )


def _beginning(response: httpx.Response) -> str:
    """As much of an answer as anybody needs."""
    parts = bytearray()
    for part in response.iter_bytes():
        parts += part[: BODY_BYTES_MAX - len(parts)]
        if len(parts) >= BODY_BYTES_MAX:
            break
    return parts.decode("utf-8", "replace")


def json_bytes(body: Any) -> bytes:
    """A body as JSON; characters that stand for no text are replaced."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def host_of(url: str) -> str:
    """The host of an address, for messages: the rest of it may be a secret."""
    try:
        return urlsplit(url).hostname or "the receiver"
    except ValueError:
        return "the receiver"


def url_secrets(url: str) -> list[str]:
    """What of an address no message may hold: all of it, its path and its query, a user and a password in it."""
    try:
        parts = urlsplit(url)
        found = [url, parts.path.strip("/"), parts.query, parts.username or "", parts.password or ""]
    except ValueError:
        found = [url]
    return [*found, *(piece for piece in found[1].split("/") if len(piece) > 8)] if len(found) > 1 else found


def _texts(secrets: Sequence[SecretStr | None]) -> list[str]:
    return [secret.get_secret_value() for secret in secrets if secret is not None]


def _secrets_of(config: HttpConfig) -> list[str]:
    held: list[SecretStr | None] = [config.proxy_url, *(value for values in config.http_headers.values() for value in values)]
    held.append(config.basic_auth.password if config.basic_auth else None)
    held.append(config.authorization.credentials if config.authorization else None)
    held.append(config.oauth2.client_secret if config.oauth2 else None)
    return _texts(held)
