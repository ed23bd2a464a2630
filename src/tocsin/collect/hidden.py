"""
What is not shown of targets: passwords in their addresses, which are refused, and parameters that look like secrets, which are hidden.

Lists of targets, the log and the status are read by more people than the configuration is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote_plus

MARK = "[REDACTED]"
NO_USERINFO = "expected an address without a user's name or password, found one with '@', not shown here; they go into basic_auth"

_SECRET_KEY = re.compile(
    r"passw|passphrase|passcode|secret|token|credential|authorization|cookie|signature|api[._-]?key|access[._-]?key|private[._-]?key"
    r"|(?:^|[._-])(?:auth|key|pwd|pass|sig|otp)$",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]+")
_PARAMETER = re.compile(r"([?&;])([^=&;#]*)=([^&;#]*)")


def has_userinfo(address: str) -> bool:
    """
    Whether an address, `host:port` or a URL, has a user's name or a password in front of its host.

    A password with an unescaped slash ends the authority early: then what looks like a port is none, and an `@` follows.
    """
    scheme = _SCHEME.match(address)
    rest = address[scheme.end() :] if scheme else address.lstrip("/")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if "@" in authority:
        return True
    port = authority.rpartition("]")[2].rpartition(":")
    return "@" in rest and bool(port[1]) and not port[2].isdigit()


def is_secret_key(name: str) -> bool:
    """Whether a parameter of this name holds a secret, as far as a name tells."""
    return _SECRET_KEY.search(name) is not None


def hide_params(params: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Parameters as they may be shown."""
    return {name: [MARK] * len(values) if is_secret_key(name) else list(values) for name, values in params.items()}


def hide_in_url(url: str) -> str:
    """A URL as it may be shown, its query's secrets hidden."""
    return _PARAMETER.sub(lambda match: f"{match[1]}{match[2]}={MARK}" if is_secret_key(unquote_plus(match[2])) else match[0], url)


def hide_labels(labels: Mapping[str, str], *, prefix: str) -> dict[str, str]:
    """Labels of a target before relabelling as they may be shown: those with this prefix are parameters, any may hold a URL."""
    return {
        name: MARK if name.startswith(prefix) and is_secret_key(name.removeprefix(prefix)) else hide_in_url(value)
        for name, value in labels.items()
    }
