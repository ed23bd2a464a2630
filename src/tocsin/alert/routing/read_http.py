"""Settings of HTTP clients and of TLS, as Prometheus' programs all write them."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from tocsin.alert.routing import fields as read
from tocsin.alert.routing.receivers import Authorization, BasicAuth, HttpConfig, OAuth2, TlsConfig
from tocsin.collect.http_options import check_header_name
from tocsin.slo.files.parts import Fields, Part

TLS_VERSIONS = ("TLS10", "TLS11", "TLS12", "TLS13")
NOT_HERE = "needs a manager of secrets, which Tocsin has none of; write the secret into a file"

_TLS: dict[str, read.Reader] = {
    "ca": read.template,
    "ca_file": read.path_of,
    "cert": read.template,
    "cert_file": read.path_of,
    "key": read.secret,
    "key_file": read.path_of,
    "server_name": read.template,
    "insecure_skip_verify": read.flag,
    "min_version": read.choice(*TLS_VERSIONS),
    "max_version": read.choice(*TLS_VERSIONS),
}
_OAUTH2: dict[str, read.Reader] = {
    "client_id": read.template,
    "client_secret": read.secret,
    "client_secret_file": read.secret_file,
    "token_url": read.url,
    "scopes": read.texts,
    "endpoint_params": read.text_map,
}
_REFERENCES = ("ca_ref", "cert_ref", "key_ref", "password_ref", "username_ref", "credentials_ref", "client_secret_ref")
_OAUTH2_ALSO = (
    "audience", "claims", "client_certificate_key", "client_certificate_key_file", "client_certificate_key_id",
    "client_certificate_key_ref", "client_secret_ref", "grant_type", "iss", "no_proxy", "proxy_connect_header", "proxy_from_environment",
    "proxy_url", "signature_algorithm",
)  # fmt: skip
_BASIC = ("username", "username_file", "username_ref", "password", "password_file", "password_ref")
_AUTHORIZATION = ("type", "credentials", "credentials_file", "credentials_ref")
_PLAIN: dict[str, read.Reader] = {
    "proxy_url": read.secret_url,
    "no_proxy": read.template,
    "proxy_from_environment": read.flag,
    "follow_redirects": read.flag,
    "enable_http2": read.flag,
}
_HTTP = (
    *_PLAIN, "basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "tls_config", "http_headers",
    "proxy_connect_header",
)  # fmt: skip


def read_tls(part: Part) -> TlsConfig:
    """A `tls_config`."""
    fields = read.mapping(part, "a tls_config", (*_TLS, "ca_ref", "cert_ref", "key_ref"))
    _refuse_references(fields)
    for name in ("ca", "cert", "key"):
        read.one_of(fields, name, f"{name}_file")
    found = TlsConfig(**read.values(fields, _TLS))
    if bool(found.cert or found.cert_file) != bool(found.key or found.key_file):
        fields.wrong("a tls_config takes a certificate and its key together, found only one of them")
    if found.min_version and found.max_version and found.min_version > found.max_version:
        fields.wrong(f"min_version {found.min_version} is above max_version {found.max_version}")
    return found


def read_http(part: Part) -> HttpConfig:
    """An `http_config`."""
    fields = read.mapping(part, "an http_config", _HTTP)
    found: dict[str, Any] = read.values(
        fields, {**_PLAIN, "basic_auth": _basic, "oauth2": _oauth2, "tls_config": read_tls, "http_headers": _headers}
    )
    ways = [name for name in ("basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file") if name in fields]
    if len(ways) > 1:
        fields.found[ways[1]].wrong(f"an http_config takes one of basic_auth, authorization and oauth2, found {' and '.join(ways)}")
    if (token := fields.optional("bearer_token")) is not None:
        found["authorization"] = Authorization(credentials=read.secret(token))
    if (token := fields.optional("bearer_token_file")) is not None:
        found["authorization"] = Authorization(credentials=read.secret_file(token))
    if (part_of := fields.optional("authorization")) is not None:
        found["authorization"] = _authorization(part_of)
    if "proxy_url" in found and found.get("proxy_from_environment"):
        fields.found["proxy_url"].wrong("an http_config takes proxy_url or proxy_from_environment, found both")
    if "no_proxy" in found and not ("proxy_url" in found or found.get("proxy_from_environment")):
        fields.found["no_proxy"].wrong("no_proxy says when a proxy is not used, but there is no proxy_url")
    if (header := fields.optional("proxy_connect_header")) is not None:
        header.remark("headers for a proxy's CONNECT are not sent")
        if not ("proxy_url" in found or found.get("proxy_from_environment")):
            header.wrong("proxy_connect_header is for a proxy, but there is no proxy_url")
    return HttpConfig(**found)


def _basic(part: Part) -> BasicAuth:
    fields = read.mapping(part, "a basic_auth", _BASIC)
    _refuse_references(fields)
    read.one_of(fields, "username", "username_file")
    read.one_of(fields, "password", "password_file")
    username = fields.optional("username_file")
    name = read.secret_file(username).get_secret_value() if username is not None else fields.text("username")
    return BasicAuth(name, either_secret(fields, "password", "password_file"))


def _authorization(part: Part) -> Authorization:
    fields = read.mapping(part, "an authorization", _AUTHORIZATION)
    _refuse_references(fields)
    read.one_of(fields, "credentials", "credentials_file")
    kind = fields.text("type", "Bearer").strip() or "Bearer"
    if kind.lower() == "basic":
        fields.found["type"].wrong("the type Basic belongs to basic_auth (username, password), not to authorization")
    return Authorization(kind, either_secret(fields, "credentials", "credentials_file"))


def _oauth2(part: Part) -> OAuth2:
    fields = read.mapping(part, "an oauth2", (*_OAUTH2, *_OAUTH2_ALSO, "tls_config"))
    _refuse_references(fields)
    for name in _OAUTH2_ALSO:
        if name in fields and name not in _REFERENCES:
            fields.found[name].wrong(f"Tocsin fetches tokens with client_id and client_secret alone, and knows no {name}")
    for name in ("client_id", "token_url"):
        fields.needed(name)
    read.one_of(fields, "client_secret", "client_secret_file")
    found = read.values(fields, {**_OAUTH2, "tls_config": read_tls})
    if (from_file := found.pop("client_secret_file", None)) is not None:
        found["client_secret"] = from_file
    return OAuth2(**found)


def _headers(part: Part) -> dict[str, tuple[SecretStr, ...]]:
    found: dict[str, tuple[SecretStr, ...]] = {}
    for key, value in part.entries("http_headers"):
        fields = read.mapping(value, "a header", ("values", "secrets", "files"))
        try:
            check_header_name(key.value)
        except ValueError as error:
            key.wrong(str(error))
        texts = [read.secret(item) for name in ("values", "secrets") for item in read.elements(fields.optional(name), "values")]
        texts += [read.secret_file(item) for item in read.elements(fields.optional("files"), "paths of files")]
        found[key.value] = tuple(texts)
    return found


def either_secret(fields: Fields, name: str, file_name: str) -> SecretStr | None:
    """A secret that stands in one field, or in the file that another names; None where neither is."""
    if (part := fields.optional(name)) is not None:
        return read.secret(part)
    return read.secret_file(part) if (part := fields.optional(file_name)) is not None else None


def _refuse_references(fields: Fields) -> None:
    for name in _REFERENCES:
        if name in fields:
            fields.found[name].wrong(f"{name} {NOT_HERE}")
