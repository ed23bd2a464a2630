"""What is hidden of targets, and what is not."""

from __future__ import annotations

import pytest

from tocsin.collect.hidden import has_userinfo, hide_in_url, is_secret_key


@pytest.mark.parametrize(
    "address",
    [
        "joe:pw@h:80",
        "joe@h",
        "http://joe:pw@h/",
        "HTTPS://joe:p@w@h",
        "http:/joe:pw@h",
        "//joe:pw@h",
        "http://joe:p/w@h/",
        "http://:pw@[::1]:80",
    ],
)
def test_addresses_with_a_password(address: str) -> None:
    """However it is written, a name or a password before the host is found."""
    assert has_userinfo(address)


@pytest.mark.parametrize(
    "address", ["h", "h:80", "[::1]:80", "https://h/@user/x", "https://h:8080/a?mail=joe@h", "http://[::1]/@a", "https://h#@", ""]
)
def test_addresses_without(address: str) -> None:
    """An `@` in a path or a query is none."""
    assert not has_userinfo(address)


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "apikey", "Password", "client-secret", "key", "X-Amz-Signature"])
def test_names_of_secrets(name: str) -> None:
    """A name that tells of a secret."""
    assert is_secret_key(name)


@pytest.mark.parametrize("name", ["collect[]", "target", "module", "match[]", "keyspace", "author", "format"])
def test_other_names(name: str) -> None:
    """Names of parameters as exporters have them."""
    assert not is_secret_key(name)


def test_urls() -> None:
    """Only the values of secrets are replaced, whichever way their names are written."""
    url = "https://h/x?a=1&api%5Fkey=hunter2&b=2;token=hunter3#token"
    assert hide_in_url(url) == "https://h/x?a=1&api%5Fkey=[REDACTED]&b=2;token=[REDACTED]#token"
    assert hide_in_url("h:1") == "h:1"
