"""Settings of an HTTP client: who it says it is, whom it trusts, what it sends along; those of scraping and of probes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tocsin.collect.notation import HIDDEN_GROUP, HIDDEN_LIST, Secret, Text

_NOT_SET_BY_USERS = {
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
    "user-agent",
}


class BasicAuthOptions(BaseModel):
    """A user's name and password."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: Text = Field(default="", description="Name of the user.")
    username_file: Path | None = Field(default=None, description="File that holds the name, read before each request.")
    password: Secret | None = Field(default=None, description="Password.")
    password_file: Path | None = Field(default=None, description="File that holds the password, read before each request.")

    @model_validator(mode="after")
    def _check_one_source(self) -> BasicAuthOptions:
        if self.username and self.username_file:
            raise ValueError("expected username or username_file, found both")
        if self.password and self.password_file:
            raise ValueError("expected password or password_file, found both")
        return self


class AuthorizationOptions(BaseModel):
    """The header Authorization, of any type but Basic."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Text = Field(default="Bearer", description="First word of the header.")
    credentials: Secret | None = Field(default=None, description="What follows it.")
    credentials_file: Path | None = Field(default=None, description="File that holds it, read before each request.")

    @model_validator(mode="after")
    def _check_one_source(self) -> AuthorizationOptions:
        if self.credentials and self.credentials_file:
            raise ValueError("expected credentials or credentials_file, found both")
        if self.type.strip().lower() == "basic":
            raise ValueError("the type Basic belongs to basic_auth (username, password), not to authorization")
        if not self.type.strip():
            raise ValueError("expected a type such as Bearer, found none")
        return self


class TlsOptions(BaseModel):
    """Whom a TLS connection trusts, and as whom it comes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca: str | None = Field(default=None, description="Certificates (PEM) of the authorities that are trusted; unset: those of the system.")
    ca_file: Path | None = Field(default=None, description="File of the authorities that are trusted; unset: those of the system.")
    cert_file: Path | None = Field(default=None, description="File of the client's own certificate.")
    key_file: Path | None = Field(default=None, description="File of its private key.")
    server_name: Text = Field(default="", description="Name that is asked for and checked, in place of the address' host.")
    insecure_skip_verify: bool = Field(default=False, description="Do not check the server's certificate.")
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] | None = Field(
        default=None, description="Oldest version of TLS that is spoken."
    )
    max_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] | None = Field(
        default=None, description="Newest version of TLS that is spoken."
    )

    @model_validator(mode="after")
    def _check_pairs(self) -> TlsOptions:
        if self.ca and self.ca_file:
            raise ValueError("expected ca or ca_file, found both")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("expected cert_file and key_file together, found only one of them")
        return self


class HeaderOptions(BaseModel):
    """Values of one further header; each is sent as a line of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: tuple[Text, ...] = Field(default=(), description="Values as they are.")
    secrets: Annotated[tuple[Secret, ...], HIDDEN_LIST] = Field(default=(), description="Values that are never shown.")
    files: tuple[Path, ...] = Field(default=(), description="Files that hold values, read before each request.")


class HttpClientOptions(BaseModel):
    """What every HTTP request of ours can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    basic_auth: Annotated[BasicAuthOptions, HIDDEN_GROUP] | None = Field(default=None, description="A user's name and password.")
    authorization: Annotated[AuthorizationOptions, HIDDEN_GROUP] | None = Field(default=None, description="The header Authorization.")
    tls_config: TlsOptions = Field(default_factory=TlsOptions, description="Whom a TLS connection trusts.")
    follow_redirects: bool = Field(default=True, description="Go where a redirect points to.")

    @model_validator(mode="after")
    def _check_one_authorization(self) -> HttpClientOptions:
        if self.basic_auth and self.authorization:
            raise ValueError("expected basic_auth or authorization, found both")
        return self


class HttpHeadersOptions(HttpClientOptions):
    """The same with further headers in Prometheus' own notation."""

    http_headers: Annotated[Mapping[str, Annotated[HeaderOptions, HIDDEN_GROUP]], HIDDEN_GROUP] = Field(
        default_factory=dict, description="Further headers: name to {values, secrets, files}."
    )

    @field_validator("http_headers")
    @classmethod
    def _check_headers(cls, headers: Mapping[str, HeaderOptions]) -> Mapping[str, HeaderOptions]:
        for name in headers:
            check_header_name(name)
        return headers


def check_header_name(name: str) -> None:
    """
    A header that the user may set.

    Raises:
        ValueError: It is set by this client itself.
    """
    if name.lower() in _NOT_SET_BY_USERS:
        raise ValueError(f"the header {name} is set by Tocsin itself; leave it out (for Authorization: basic_auth or authorization)")
