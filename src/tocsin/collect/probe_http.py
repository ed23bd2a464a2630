"""
HTTP probes: one fresh connection per request, each phase timed, redirects followed one by one, the last answer judged.

Phases, summed over redirects: resolve (the name), connect (TCP), tls (handshake), processing (request until the first byte of the answer),
transfer (the rest).

Source: blackbox_exporter's documentation of its http prober, for names and meanings.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from tocsin.clock import Clock
from tocsin.collect.certificates import tls_state
from tocsin.collect.probe_options import HeaderMatch, HttpProbeOptions, found_in
from tocsin.collect.probes import Findings, ProbeFailed, resolve_address
from tocsin.collect.transport import REDIRECTS_MAX, USER_AGENT, authorization_headers, describe, inflated, tls_context

PHASES = ("resolve", "connect", "tls", "processing", "transfer")
_NO_TIMEOUT = httpx.Timeout(None)  # the time limit lies over the whole probe


class HttpProber:
    """
    Looks at HTTP(S) addresses.

    Args:
        options: What is asked, and what counts as well.
        clock: Measures the phases.
    """

    def __init__(self, options: HttpProbeOptions, *, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._context = tls_context(options.tls_config)

    async def __call__(self, target: str, findings: Findings) -> None:
        """Ask and judge."""
        url = _url(target)
        look = _Look(self._options, self._context, self._clock, findings)
        findings.regex(failed=False)
        findings.gauge("probe_http_redirects", 0.0, "Redirects that were followed")
        try:
            for redirects in range(REDIRECTS_MAX + 1):
                findings.gauge("probe_http_redirects", float(redirects), "Redirects that were followed")
                following = await look.ask(url, first=url.host == _url(target).host)
                if following is None:
                    return
                url = following
            raise ProbeFailed(f"more than {REDIRECTS_MAX} redirects")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise ProbeFailed(describe(error)) from error
        finally:
            for phase, seconds in look.phases.items():
                findings.gauge("probe_http_duration_seconds", seconds, "How long the phases took, over all redirects", phase=phase)


class _Look:
    """One probe: its phases add up over redirects."""

    def __init__(self, options: HttpProbeOptions, context: ssl.SSLContext, clock: Clock, findings: Findings) -> None:
        self._options = options
        self._context = context
        self._clock = clock
        self._findings = findings
        self._marks: dict[str, float] = {}
        self._method, self._content = options.method, options.body.encode() or None
        self.phases = dict.fromkeys(PHASES, 0.0)

    async def ask(self, url: httpx.URL, *, first: bool) -> httpx.URL | None:
        """One request; the address of a redirect that is to be followed, None after an answer that was judged well."""
        address, taken_s = await resolve_address(url.host, self._options, self._findings, self._clock)
        self.phases["resolve"] += taken_s
        self._marks = {}
        host = f"[{address}]" if ":" in address else address
        request = httpx.Request(
            self._method,
            url.copy_with(host=host),
            headers=self._headers(url, first=first),
            content=self._content,
            extensions={
                "trace": self._trace,
                "sni_hostname": self._options.tls_config.server_name or url.host,
                "timeout": _NO_TIMEOUT.as_dict(),
            },
        )
        async with httpx.AsyncHTTPTransport(verify=self._context, trust_env=False) as transport:
            response = await transport.handle_async_request(request)
            response.request = request
            try:
                return await self._answer(url, response)
            finally:
                await response.aclose()

    async def _answer(self, url: httpx.URL, response: httpx.Response) -> httpx.URL | None:
        started_s = self._clock.monotonic_s()
        self._add_phases(started_s)
        self._note_tls(response)
        location = response.headers.get("location", "")
        if self._options.follow_redirects and location and response.status_code in {301, 302, 303, 307, 308}:
            self._note_answer(response)
            if response.status_code <= 303 and self._method != "HEAD":  # what browsers do, and every client since
                self._method, self._content = "GET", None
            return url.join(location)
        body = await self._body(response)
        self.phases["transfer"] += self._clock.monotonic_s() - started_s
        self._note_answer(response)
        compressed = response.headers.get("content-encoding", "identity") != "identity"
        length = -1.0 if compressed else float(response.headers.get("content-length", "-1"))
        self._findings.gauge("probe_http_content_length", length, "Length of the body as it was sent, -1 when not known")
        self._findings.gauge("probe_http_uncompressed_body_length", float(len(body)), "Length of the body, inflated")
        self._judge(response, body)
        return None

    def _headers(self, url: httpx.URL, *, first: bool) -> list[tuple[str, str]]:
        given = {name.lower() for name in self._options.headers}
        own = [("Host", url.netloc.decode()), ("User-Agent", USER_AGENT), ("Accept-Encoding", "gzip"), ("Accept", "*/*")]
        out = [(name, value) for name, value in own if name.lower() not in given]
        out += [(name, value) for name, value in self._options.headers.items() if first or name.lower() != "host"]
        if not first and "host" in given:
            out.append(own[0])
        # A password goes to the host that was configured, and to no other that a redirect names.
        return [*out, ("Connection", "close"), *(authorization_headers(self._options) if first else [])]

    async def _trace(self, event: str, _info: Mapping[str, Any]) -> None:
        self._marks[event] = self._clock.monotonic_s()

    def _add_phases(self, now_s: float) -> None:
        def between(start: str, end: str) -> float:
            return self._marks[end] - self._marks[start] if start in self._marks and end in self._marks else 0.0

        self.phases["connect"] += between("connection.connect_tcp.started", "connection.connect_tcp.complete")
        self.phases["tls"] += between("connection.start_tls.started", "connection.start_tls.complete")
        self.phases["processing"] += max(0.0, now_s - self._marks.get("http11.send_request_headers.started", now_s))

    def _note_tls(self, response: httpx.Response) -> None:
        stream = response.extensions.get("network_stream")
        connection = stream.get_extra_info("ssl_object") if stream is not None else None
        self._findings.gauge("probe_http_ssl", float(connection is not None), "Whether the last answer came over TLS")
        if connection is not None:
            self._findings.tls(tls_state(connection))

    def _note_answer(self, response: httpx.Response) -> None:
        self._findings.gauge("probe_http_status_code", float(response.status_code), "Status code of the last answer")
        version = response.http_version.removeprefix("HTTP/")
        self._findings.gauge("probe_http_version", float(version), "Version of HTTP of the last answer")
        try:
            modified_s = parsedate_to_datetime(response.headers["last-modified"]).timestamp()
        except (KeyError, ValueError, TypeError):
            return
        self._findings.gauge("probe_http_last_modified_timestamp_seconds", modified_s, "When what was sent was changed, in unixtime")

    async def _body(self, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in inflated(response):
            size += len(part)
            if size > self._options.body_size_limit:
                raise ProbeFailed(f"the body is larger than {self._options.body_size_limit} bytes (body_size_limit)")
            parts.append(part)
        return b"".join(parts)

    def _judge(self, response: httpx.Response, body: bytes) -> None:
        """Raise at the first thing that is not well."""
        options = self._options
        code, secure = response.status_code, response.extensions["network_stream"].get_extra_info("ssl_object") is not None
        if not (code in options.valid_status_codes if options.valid_status_codes else 200 <= code <= 299):
            wanted = ", ".join(map(str, options.valid_status_codes)) or "200 to 299"
            raise ProbeFailed(f"the answer has the status {code}, expected {wanted}")
        if options.valid_http_versions and response.http_version not in options.valid_http_versions:
            raise ProbeFailed(f"the answer came over {response.http_version}, expected {', '.join(options.valid_http_versions)}")
        if options.fail_if_ssl and secure:
            raise ProbeFailed("the answer came over TLS (fail_if_ssl)")
        if options.fail_if_not_ssl and not secure:
            raise ProbeFailed("the answer did not come over TLS (fail_if_not_ssl)")
        reason = _wrong_header(options, response.headers) or _wrong_body(options, body)
        if reason:
            self._findings.regex(failed=True)
            raise ProbeFailed(reason)


def _wrong_body(options: HttpProbeOptions, body: bytes) -> str:
    if not options.fail_if_body_matches_regexp and not options.fail_if_body_not_matches_regexp:
        return ""
    text = body.decode("utf-8", "replace")
    for regex in options.fail_if_body_matches_regexp:
        if found_in(regex, text):
            return f"the body contains {regex!r} (fail_if_body_matches_regexp)"
    for regex in options.fail_if_body_not_matches_regexp:
        if not found_in(regex, text):
            return f"the body lacks {regex!r} (fail_if_body_not_matches_regexp)"
    return ""


def _wrong_header(options: HttpProbeOptions, headers: httpx.Headers) -> str:
    for rule in options.fail_if_header_matches:
        if _header_found(rule, headers, missing=not rule.allow_missing):
            return f"the header {rule.header} contains {rule.regexp!r}, or is missing (fail_if_header_matches)"
    for rule in options.fail_if_header_not_matches:
        if not _header_found(rule, headers, missing=rule.allow_missing):
            return f"the header {rule.header} lacks {rule.regexp!r} (fail_if_header_not_matches)"
    return ""


def _header_found(rule: HeaderMatch, headers: httpx.Headers, *, missing: bool) -> bool:
    values = headers.get_list(rule.header)
    return any(found_in(rule.regexp, value) for value in values) if values else missing


def _url(target: str) -> httpx.URL:
    try:
        url = httpx.URL(target if "://" in target else f"http://{target}")
    except httpx.InvalidURL as error:
        raise ProbeFailed(f"expected an http:// or https:// address, found {target!r}: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ProbeFailed(f"expected an http:// or https:// address, found {target!r}")
    return url
