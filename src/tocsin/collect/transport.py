"""
One HTTP request for metrics: headers that ask for the formats in their order, a body within its limits, a time limit over all of it.

A target is not trusted: a body that drips, a redirect without end, an answer of gigabytes, a bomb of gzip end the scrape with a sentence
and cost no more memory than allowed.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tocsin.collect.http_options import HttpClientOptions, HttpHeadersOptions, TlsOptions
from tocsin.collect.notation import print_duration
from tocsin.collect.options import GlobalOptions, JobOptions, ScrapeProtocol
from tocsin.errors import InvalidInput, LimitExceeded, Timeout

USER_AGENT = "Tocsin"
REDIRECTS_MAX = 10
CHUNK_BYTES = 65_536
SECRET_BYTES_MAX = 65_536

CONTENT_TYPES: Mapping[ScrapeProtocol, str] = {
    "PrometheusProto": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0",
    "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
    "PrometheusText1.0.0": "text/plain;version=1.0.0",
    "PrometheusText0.0.4": "text/plain;version=0.0.4",
}
_TLS_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


class ScrapeFailed(InvalidInput):
    """A target gave no answer that could be taken; the message is what the list of targets shows."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a target said.

    Args:
        body: Inflated.
        content_type: As the target gave it.
        note: What the list of targets shall show beside it, although the answer is well: why a probe failed.
    """

    body: bytes
    content_type: str
    note: str = ""


class Budget:
    """
    Bytes of bodies that are in memory at the same time, of all scrapes together. For one event loop.

    Args:
        bytes_max: How many there may be.
    """

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.held = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """A part of it that is given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.held


class Share:
    """What one scrape holds of the budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.held = 0

    def take(self, size: int) -> None:
        """
        Hold more.

        Raises:
            LimitExceeded: That is more than all may hold.
        """
        if self._budget.held + size > self._budget.bytes_max:
            raise LimitExceeded(
                f"bodies of scrapes would hold more than {self._budget.bytes_max} bytes at a time;"
                " raise scrape.memory_bytes_max or set body_size_limit"
            )
        self._budget.held += size
        self.held += size


class HttpTransport:
    """
    Asks the targets of one job. For one event loop.

    Args:
        job: How they are asked.
        defaults: Formats, where the job says nothing.
        budget: Memory that all jobs share.

    Raises:
        ConfigError: A file of `tls_config` can't be read.
    """

    def __init__(self, job: JobOptions, defaults: GlobalOptions, *, budget: Budget) -> None:
        self._job = job
        self._budget = budget
        self._accept = accept_header(job.scrape_protocols or defaults.scrape_protocols)
        self._reads_files = reads_files(job)
        self._body_bytes_max = job.body_size_limit or budget.bytes_max
        # Idle connections outlive an interval, as they do in Prometheus; proxies and passwords of the environment are not for us.
        self._client = httpx.AsyncClient(
            verify=tls_context(job.tls_config),
            trust_env=False,
            follow_redirects=job.follow_redirects,
            max_redirects=REDIRECTS_MAX,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=300.0),
        )

    async def fetch(self, url: str, *, timeout_s: float, share: Share) -> Answer:
        """
        The answer of a target.

        Args:
            url: What is asked.
            timeout_s: Time for all of it, the body included.
            share: What the body is counted against.

        Raises:
            ScrapeFailed: There is none, or not one that may be taken.
            LimitExceeded: It is too large.
            Timeout: It did not arrive in time.
        """
        headers = await asyncio.to_thread(self._headers, timeout_s) if self._reads_files else self._headers(timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ask(url, headers, timeout_s, share)
        except TimeoutError as error:
            raise Timeout(f"no whole answer within {print_duration(timeout_s)} (scrape_timeout)") from error
        except httpx.TooManyRedirects as error:
            raise ScrapeFailed(f"more than {REDIRECTS_MAX} redirects") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ssl.SSLError, OSError, ValueError) as error:
            raise ScrapeFailed(describe(error)) from error

    async def close(self) -> None:
        """Close idle connections."""
        await self._client.aclose()

    async def _ask(self, url: str, headers: list[tuple[str, str]], timeout_s: float, share: Share) -> Answer:
        timeout = httpx.Timeout(timeout_s)
        server_name = self._job.tls_config.server_name
        extensions = {"sni_hostname": server_name} if server_name else {}
        async with self._client.stream("GET", url, headers=headers, timeout=timeout, extensions=extensions) as response:
            if response.status_code != 200:
                raise ScrapeFailed(f"the target answered {response.status_code} {response.reason_phrase}, expected 200")
            body = await self._body(response, share)
            return Answer(body, response.headers.get("content-type", ""))

    async def _body(self, response: httpx.Response, share: Share) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in inflated(response):
            size += len(part)
            if size > self._body_bytes_max:
                option = "body_size_limit" if self._job.body_size_limit else "scrape.memory_bytes_max"
                raise LimitExceeded(f"the body is larger than {self._body_bytes_max} bytes ({option})")
            share.take(len(part))
            parts.append(part)
        return b"".join(parts)

    def _headers(self, timeout_s: float) -> list[tuple[str, str]]:
        out = [
            ("Accept", self._accept),
            ("Accept-Encoding", "gzip" if self._job.enable_compression else "identity"),
            ("User-Agent", USER_AGENT),
            ("X-Prometheus-Scrape-Timeout-Seconds", f"{timeout_s:g}"),
        ]
        return out + authorization_headers(self._job) + further_headers(self._job)


def accept_header(protocols: tuple[ScrapeProtocol, ...]) -> str:
    """The header Accept that asks for formats in their order: `text/plain;version=0.0.4;...;q=0.6,*/*;q=0.1`."""
    parts = []
    for weight, protocol in zip(range(len(protocols) + 1, 1, -1), protocols, strict=True):
        utf8 = "" if protocol in {"OpenMetricsText0.0.1", "PrometheusText0.0.4"} else ";escaping=allow-utf-8"
        parts.append(f"{CONTENT_TYPES[protocol]}{utf8};q=0.{weight}")
    return ",".join([*parts, "*/*;q=0.1"])


async def inflated(response: httpx.Response) -> AsyncIterator[bytes]:
    """
    A body piece by piece, inflated, no piece larger than 64 KiB times four: a bomb is noticed before it is in memory.

    Raises:
        ScrapeFailed: An encoding that was not asked for, or a body that breaks off.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"", "identity"}:
        async for part in response.aiter_raw(CHUNK_BYTES):
            yield part
        return
    if encoding not in {"gzip", "x-gzip"}:
        raise ScrapeFailed(f"expected a body as it is or under gzip, found the encoding {encoding!r}")
    inflater = zlib.decompressobj(wbits=31)
    try:
        async for part in response.aiter_raw(CHUNK_BYTES):
            rest = part
            while rest and not inflater.eof:
                yield inflater.decompress(rest, CHUNK_BYTES * 4)
                rest = inflater.unconsumed_tail
    except zlib.error as error:
        raise ScrapeFailed(f"the body is not valid gzip: {error}") from error
    if not inflater.eof:
        raise ScrapeFailed("the body, compressed with gzip, breaks off")


def tls_context(options: TlsOptions) -> ssl.SSLContext:
    """
    What a TLS connection trusts.

    Raises:
        ScrapeFailed: A file can't be read, or does not hold what it should.
    """
    try:
        context = ssl.create_default_context(cafile=str(options.ca_file) if options.ca_file else None, cadata=options.ca)
        if options.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if options.cert_file and options.key_file:
            context.load_cert_chain(str(options.cert_file), str(options.key_file))
        if options.min_version:
            context.minimum_version = _TLS_VERSIONS[options.min_version]
        if options.max_version:
            context.maximum_version = _TLS_VERSIONS[options.max_version]
    except (OSError, ValueError) as error:
        raise ScrapeFailed(f"tls_config: {describe(error)}") from error
    return context


def authorization_headers(options: HttpClientOptions) -> list[tuple[str, str]]:
    """The header Authorization, or none; files are read anew each time, so that a secret can be changed while this runs."""
    if (basic := options.basic_auth) is not None:
        name = read_secret(basic.username_file) if basic.username_file else basic.username
        password = basic.password.get_secret_value() if basic.password else read_secret(basic.password_file) if basic.password_file else ""
        return [("Authorization", "Basic " + b64encode(f"{name}:{password}".encode()).decode())]
    if (other := options.authorization) is not None:
        secret = other.credentials.get_secret_value() if other.credentials else ""
        secret = read_secret(other.credentials_file) if other.credentials_file else secret
        return [("Authorization", f"{other.type} {secret}".strip())]
    return []


def reads_files(options: HttpHeadersOptions) -> bool:
    """Whether the headers of a request come from files, which may block."""
    basic, other = options.basic_auth, options.authorization
    in_basic = basic is not None and (basic.username_file is not None or basic.password_file is not None)
    in_other = other is not None and other.credentials_file is not None
    return in_basic or in_other or any(header.files for header in options.http_headers.values())


def further_headers(options: HttpHeadersOptions) -> list[tuple[str, str]]:
    """The headers under `http_headers`."""
    out: list[tuple[str, str]] = []
    for name, header in options.http_headers.items():
        out += [(name, value) for value in header.values]
        out += [(name, secret.get_secret_value()) for secret in header.secrets]
        out += [(name, read_secret(path)) for path in header.files]
    return out


def read_secret(path: Path) -> str:
    """
    A secret from its file, without the line feed that editors leave.

    Raises:
        ScrapeFailed: It can't be read.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(SECRET_BYTES_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ScrapeFailed(f"{path} can't be read: {describe(error)}") from error


def describe(error: BaseException) -> str:
    """A failure of the network in one line; never empty."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        return error.strerror
    inner = error.__cause__ or error.__context__
    text = " ".join(str(error).split())
    if not text or text == "All connection attempts failed":
        return describe(inner) if inner is not None else type(error).__name__
    return text
