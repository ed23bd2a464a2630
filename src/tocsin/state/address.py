"""
Where the database is, read from an option, and shown without its password.

    postgresql://tocsin:secret@db.example:5432/tocsin   ->   PostgreSQL at db.example:5432/tocsin
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tocsin.errors import ConfigError
from tocsin.state.options import EXPECTED, StateOptions

KEY = "state.url"
FILE = "state.sqlite"


@dataclass(frozen=True, slots=True)
class Address:
    """
    A database.

    Args:
        url: As SQLAlchemy takes it.
        shown: For messages; holds no secret.
        secrets: What no message may hold.
    """

    url: URL = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self.url.get_backend_name() == "sqlite"

    def without_secrets(self, text: str) -> str:
        """`text` with every secret of the address taken out."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def address_of(data_dir: Path, options: StateOptions) -> Address:
    """
    The database that the options name: a PostgreSQL by URL, or `data_dir/state.sqlite`.

    Raises:
        ConfigError: The URL is none of PostgreSQL, or is ambiguous. The message does not repeat it: it may hold a password.
    """
    if options.url is None:
        file = data_dir / FILE
        return Address(URL.create("sqlite", database=str(file)), f"SQLite at {file}")
    url = _read(options.url.get_secret_value().strip())
    if not url.database:
        raise ConfigError(f"{KEY} names no database; expected {EXPECTED}", key=KEY)
    url = url.set(drivername="postgresql+psycopg")
    hosts = url.host or url.query.get("host") or "the local socket"
    host = hosts if isinstance(hosts, str) else ", ".join(hosts)
    port = f":{url.port}" if url.port else ""
    return Address(url, f"PostgreSQL at {host}{port}/{url.database}", _secrets(url))


def _read(text: str) -> URL:
    authority, _, rest = re.sub(r"^[^:]*://", "", text).partition("/")
    # Parsers disagree where such a password ends, and what they take for the host would show in messages.
    if authority.count("@") > 1 or "@" in rest or re.search(r"[?#]", authority):
        raise ConfigError(
            f"{KEY} is ambiguous: a user or password with one of the characters @ / ? # has it percent-encoded (%40 %2F %3F %23)", key=KEY
        )
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError(f"{KEY} is not a URL of a database; expected {EXPECTED}", key=KEY) from None


def _secrets(url: URL) -> tuple[str, ...]:
    given = [url.password, url.query.get("password"), url.query.get("sslpassword")]
    # What is given twice is a tuple.
    found = [secret for each in given if each for secret in ((each,) if isinstance(each, str) else each)]
    return tuple(secret for secret in found if secret)
