"""TLS of channels: whom they trust, and as whom they come."""

from __future__ import annotations

import ssl
import tempfile
from functools import lru_cache
from pathlib import Path

from tocsin.alert.routing.receivers import TlsConfig
from tocsin.errors import ConfigError

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


def tls_context(config: TlsConfig) -> ssl.SSLContext:
    """
    What a connection trusts.

    Raises:
        ConfigError: A certificate or key can't be read.
    """
    return _system_context() if config == TlsConfig() else _own_context(config)


@lru_cache(maxsize=1)
def _system_context() -> ssl.SSLContext:
    """That of the system, read once: reading a hundred certificates for every channel would take longer than sending."""
    return ssl.create_default_context()


def _own_context(config: TlsConfig) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=config.ca_file or None, cadata=config.ca or None)
        if config.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if config.min_version:
            context.minimum_version = _VERSIONS[config.min_version]
        if config.max_version:
            context.maximum_version = _VERSIONS[config.max_version]
        _come_as(context, config)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"tls_config can't be used: {type(error).__name__}: {error}", key="tls_config") from error
    return context


def _come_as(context: ssl.SSLContext, config: TlsConfig) -> None:
    if config.cert_file:
        context.load_cert_chain(config.cert_file, config.key_file or None)
    elif config.cert:
        key = config.key.get_secret_value() if config.key else ""
        # The library reads certificates from files alone; this one is ours alone, and gone at once.
        with tempfile.TemporaryDirectory() as folder:
            chain = Path(folder) / "chain.pem"
            chain.touch(mode=0o600)
            chain.write_text(f"{config.cert}\n{key}\n", encoding="ascii")
            context.load_cert_chain(chain, config.key_file or None)
