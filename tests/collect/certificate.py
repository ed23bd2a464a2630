"""A certificate for tests, of localhost, shop.test and 127.0.0.1, signed by itself, with its key; both worth nothing elsewhere."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

NOT_AFTER_S = 4_948_785_230

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBpTCCAUygAwIBAgIUNKOKgIE9WrUVlkQnkmcZkX4s4h0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMDE0MzM1MFoYDzIxMjYxMDI3
MTQzMzUwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQRhKSfQQ1WuyD7d+1lq9ECKSKXKUvn8Vd5MnXktQXi1i+xCiMG3oUa
1FSBh1K4gsH37FS3FDzHswWhEZ0DWEYMo3oweDAdBgNVHQ4EFgQUxwOcgDfDyN6n
uJCC5WD4S4WdeUAwHwYDVR0jBBgwFoAUxwOcgDfDyN6nuJCC5WD4S4WdeUAwDwYD
VR0TAQH/BAUwAwEB/zAlBgNVHREEHjAcgglsb2NhbGhvc3SCCXNob3AudGVzdIcE
fwAAATAKBggqhkjOPQQDAgNHADBEAiAGR3Jr2bhQKFtvvg/eZYjufSQ9zPVz6mfv
sG47ZATlFgIgWc8v1cmoyMGc5j4E+vUXBivkOxuHeTkM/zSt/0WS1d8=
-----END CERTIFICATE-----
"""

KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9oBTbZTWGVI0Nb88
rXS+3sLCvy844ZIqxSJQAzWKdzKhRANCAAQRhKSfQQ1WuyD7d+1lq9ECKSKXKUvn
8Vd5MnXktQXi1i+xCiMG3oUa1FSBh1K4gsH37FS3FDzHswWhEZ0DWEYM
-----END PRIVATE KEY-----
"""


def wrap_in_tls(folder: Path) -> Callable[[Any], Any]:
    """What makes a server's socket speak TLS with this certificate; its files are written to the folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write_files(folder))
    return lambda plain: context.wrap_socket(plain, server_side=True)


def write_files(folder: Path) -> tuple[Path, Path]:
    """The certificate and its key as files."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_text(CERTIFICATE, encoding="utf-8")
    key.write_text(KEY, encoding="utf-8")
    return certificate, key
