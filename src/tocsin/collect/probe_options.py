"""Settings of probes, in the words of blackbox_exporter's modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from tocsin.collect.http_options import HttpClientOptions, TlsOptions, check_header_name
from tocsin.collect.notation import Size, Text
from tocsin.errors import InvalidInput
from tocsin.model.pattern import Match, check_pattern, compile_pattern

RECORD_TYPES = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "NAPTR": 35, "DS": 43, "RRSIG": 46,
    "DNSKEY": 48, "TLSA": 52, "SVCB": 64, "HTTPS": 65, "ANY": 255, "CAA": 257,
}  # fmt: skip
RESPONSE_CODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE")


def _check_regex(text: str) -> str:
    try:
        check_pattern(text)
    except InvalidInput as error:
        raise ValueError(f"expected a regular expression of RE2: {error}") from error
    return text


def found_in(regex: str, text: str) -> Match | None:
    """Where an expression of a probe is found in a text, anywhere; blackbox_exporter's are not anchored, and `.` stops at line ends."""
    return compile_pattern(regex, dot_takes_lines=False).search(text)


Regex = Annotated[Text, BeforeValidator(lambda value: _check_regex(value) if isinstance(value, str) else value)]
IpProtocol = Literal["ip4", "ip6"]


class HeaderMatch(BaseModel):
    """An expression that a header of the answer must, or must not, contain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    header: Text = Field(min_length=1, description="Name of the header.")
    regexp: Regex = Field(description="Regular expression (RE2), found anywhere in a value.")
    allow_missing: bool = Field(default=False, description="An answer without this header is well.")


class IpOptions(BaseModel):
    """Over which version of the Internet Protocol a target is reached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preferred_ip_protocol: IpProtocol = Field(default="ip6", description="Version that is tried first.")
    ip_protocol_fallback: bool = Field(default=True, description="Take the other one where the name has no address of the first.")


class HttpProbeOptions(IpOptions, HttpClientOptions):
    """A check of an HTTP(S) address."""

    method: Text = Field(default="GET", pattern=r"^[A-Z]+$", description="Method of the request.")
    headers: Mapping[str, Text] = Field(default_factory=dict, description="Headers of the request.")
    body: str = Field(default="", description="Body of the request.")
    valid_status_codes: tuple[int, ...] = Field(default=(), description="Status codes that are well; none: 200 to 299.")
    valid_http_versions: tuple[Text, ...] = Field(default=(), description="Versions of HTTP that are well (HTTP/1.1); none: all.")
    fail_if_ssl: bool = Field(default=False, description="Fail if the last answer came over TLS.")
    fail_if_not_ssl: bool = Field(default=False, description="Fail if it did not.")
    fail_if_body_matches_regexp: tuple[Regex, ...] = Field(default=(), description="Fail if the body contains one of these.")
    fail_if_body_not_matches_regexp: tuple[Regex, ...] = Field(default=(), description="Fail if the body lacks one of these.")
    fail_if_header_matches: tuple[HeaderMatch, ...] = Field(default=(), description="Fail if a header contains one of these.")
    fail_if_header_not_matches: tuple[HeaderMatch, ...] = Field(default=(), description="Fail if a header lacks one of these.")
    body_size_limit: Size = Field(default=10 * 1024 * 1024, gt=0, description="Bytes of the body, after decompression, that are read.")

    @field_validator("valid_status_codes")
    @classmethod
    def _check_codes(cls, codes: tuple[int, ...]) -> tuple[int, ...]:
        if wrong := [code for code in codes if not 100 <= code <= 599]:
            raise ValueError(f"expected status codes from 100 to 599, found {wrong[0]}")
        return codes

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        for name in headers:
            if name.lower() not in {"host", "user-agent", "accept", "accept-encoding"}:
                check_header_name(name)
        return headers


class TcpStep(BaseModel):
    """One step of a conversation: wait for a line, send one, change to TLS; in this order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expect: Regex = Field(default="", description="Read lines until one contains this expression.")
    send: str = Field(default="", description="Send this line; $1 or ${name} stand for groups of the expression.")
    starttls: bool = Field(default=False, description="Change to TLS after it.")


class TcpProbeOptions(IpOptions):
    """A check of a TCP port."""

    query_response: tuple[TcpStep, ...] = Field(default=(), description="Conversation; none: a connection is enough.")
    tls: bool = Field(default=False, description="Speak TLS from the start.")
    tls_config: TlsOptions = Field(default_factory=TlsOptions, description="Whom a TLS connection trusts.")


class RecordMatch(BaseModel):
    """Expressions that records of an answer must, or must not, contain; a record is `name ttl class type data`, parted by tabs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fail_if_matches_regexp: tuple[Regex, ...] = Field(default=(), description="Fail if a record contains one of these.")
    fail_if_all_match_regexp: tuple[Regex, ...] = Field(default=(), description="Fail if every record contains one of these.")
    fail_if_not_matches_regexp: tuple[Regex, ...] = Field(default=(), description="Fail if a record lacks one of these.")
    fail_if_none_matches_regexp: tuple[Regex, ...] = Field(default=(), description="Fail if no record contains one of these.")


class DnsProbeOptions(IpOptions):
    """A check of a DNS server."""

    query_name: Text = Field(default="", description="Name that is asked for.")
    query_type: Text = Field(default="ANY", description="Type of record that is asked for: " + ", ".join(RECORD_TYPES) + ".")
    transport_protocol: Literal["udp", "tcp"] = Field(default="udp", description="How the server is asked.")
    recursion_desired: bool = Field(default=True, description="Let the server ask others.")
    valid_rcodes: tuple[Text, ...] = Field(default=("NOERROR",), description="Codes of an answer that are well.")
    validate_answer_rrs: RecordMatch = Field(default_factory=RecordMatch, description="What answers must look like.")
    validate_authority_rrs: RecordMatch = Field(default_factory=RecordMatch, description="What records of the authority must look like.")
    validate_additional_rrs: RecordMatch = Field(default_factory=RecordMatch, description="What additional records must look like.")

    @model_validator(mode="after")
    def _check_words(self) -> DnsProbeOptions:
        if self.query_type not in RECORD_TYPES:
            raise ValueError(f"expected a type of record ({', '.join(RECORD_TYPES)}), found {self.query_type!r}")
        if unknown := [code for code in self.valid_rcodes if code not in RESPONSE_CODES]:
            raise ValueError(f"expected response codes ({', '.join(RESPONSE_CODES)}), found {unknown[0]!r}")
        if any(len(label.encode()) > 63 for label in self.query_name.split(".")) or len(self.query_name.encode()) > 253:
            raise ValueError("expected a name of at most 253 bytes in parts of at most 63")
        return self
