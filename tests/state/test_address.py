"""Addresses of databases: what is taken, what is refused, and that no message holds a password."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from tocsin.errors import ConfigError
from tocsin.state.address import Address, address_of
from tocsin.state.options import StateOptions

DATA = Path("data")


def _address(url: str) -> Address:
    return address_of(DATA, StateOptions(url=SecretStr(url)))


def test_without_a_url_it_is_a_file(tmp_path: Path) -> None:
    """SQLite beside the telemetry is what one gets without asking."""
    address = address_of(tmp_path, StateOptions())
    assert address.is_sqlite
    assert address.shown == f"SQLite at {tmp_path}/state.sqlite"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:hush@db.example:6432/tocsin", "PostgreSQL at db.example:6432/tocsin"),
        ("postgres://ada:hush@[::1]/tocsin", "PostgreSQL at ::1/tocsin"),
        (" postgresql+psycopg://db.example/tocsin?sslmode=require\n", "PostgreSQL at db.example/tocsin"),
        ("postgresql:///tocsin", "PostgreSQL at the local socket/tocsin"),
        ("postgresql://ada@/tocsin?host=/run/postgresql&password=hush", "PostgreSQL at /run/postgresql/tocsin"),
        ("postgresql:///tocsin?host=a&host=b", "PostgreSQL at a, b/tocsin"),
    ],
)
def test_postgresql_is_shown_without_its_password(url: str, shown: str) -> None:
    """However the URL is written, the driver is psycopg, and neither text nor repr holds the secret."""
    address = _address(url)
    assert address.shown == shown
    assert address.url.drivername == "postgresql+psycopg"
    assert "hush" not in repr(address)
    assert ("hush" in url) == (address.without_secrets("password is hush") == "password is ***")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://ada:hush@db", "names no database"),
        ("postgresql://ada:hush@db:port/tocsin", "not a URL"),
        ("postgresql://ada:hu@sh@db/tocsin", "percent-encoded"),
        ("postgresql://ada:hush/1@db/tocsin", "percent-encoded"),
        ("postgresql://ada:hush?@db/tocsin", "percent-encoded"),
        ("postgresql://ada:hush#@db/tocsin", "percent-encoded"),
    ],
)
def test_a_wrong_url_is_refused_without_repeating_it(url: str, message: str) -> None:
    """The error names the option and what is expected, and holds no part of the password."""
    with pytest.raises(ConfigError, match=message) as caught:
        _address(url)
    assert caught.value.key == "state.url"
    assert "hu" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://ada:hush@db/tocsin", "scheme 'mysql'; expected postgresql://"),
        ("sqlite:///file", "scheme 'sqlite'"),
        ("postgresql+asyncpg://ada:hush@db/tocsin", "scheme"),
        ("ada:hush@db/tocsin?next=http://", "another scheme; expected"),
        ("hush", "not a URL"),
        ("", "not a URL"),
    ],
)
def test_another_sort_of_database_is_refused_with_the_options(url: str, message: str) -> None:
    """A check of the options says so, not only a start; what is refused does not stand in the error."""
    with pytest.raises(ValidationError, match=message) as caught:
        StateOptions.model_validate({"url": url})
    assert "hu" not in str(caught.value)


@given(st.text(min_size=1, max_size=60))
def test_any_text_is_taken_or_refused(text: str) -> None:
    """Whatever stands in the option is an address or a mistake, never another error."""
    for url in (text, f"postgresql://{text}", f"postgresql://ada:{text}@db/tocsin", f"postgresql://db/{text}"):
        with suppress(ConfigError, ValidationError):
            assert not _address(url).is_sqlite


@given(st.text(min_size=8, max_size=40))
def test_a_password_never_shows(password: str) -> None:
    """A password with any characters is refused or kept out of what is shown."""
    marked = f"{password}secret"
    try:
        address = _address(f"postgresql://ada:{marked}@db/tocsin")
        shown = f"{address.shown} {address!r}"
    except ConfigError as error:
        shown = f"{error} {error!r}"
    assert "secret" not in shown
