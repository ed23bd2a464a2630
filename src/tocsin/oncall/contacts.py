"""
A person's channel as an integration: what the notifiers of the routing configuration send by.

Secrets are read when they are used, from the file or the variable that the person's entry names, so a rotated one needs no restart. What an
entry leaves out (Slack's address, the mail server) comes from the `global` block of the routing configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from tocsin.alert.routing.read_global import GlobalConfig
from tocsin.alert.routing.receivers import EmailConfig, OpsgenieConfig, PagerdutyConfig, Receiver, SlackConfig, WebhookConfig
from tocsin.errors import ConfigError
from tocsin.oncall.definition import Contact, Person

SECRET_BYTES_MAX = 64 << 10
FILES = "oncall.files"


def receiver_of(person: Person, contact: Contact, defaults: GlobalConfig, environment: Mapping[str, str]) -> Receiver:
    """
    A receiver with the one integration that a contact is.

    Args:
        person: Whose contact it is.
        contact: Which.
        defaults: The `global` block.
        environment: Where `..._env` is looked up.

    Raises:
        ConfigError: A secret can't be read, or something is missing here and in the `global` block.
    """
    name = person.channel_of(contact)
    given = _given(name, contact, environment)
    receiver = Receiver(name)
    if contact.kind == "slack":
        return replace(receiver, slack=(_slack(name, given, defaults),))
    if contact.kind == "email":
        return replace(receiver, email=(_email(name, given, defaults),))
    if contact.kind == "webhook":
        return replace(receiver, webhook=(WebhookConfig(given["url"], http_config=defaults.http_config),))
    if contact.kind == "pagerduty":
        url = given["url"].get_secret_value() if "url" in given else defaults.pagerduty_url
        return replace(receiver, pagerduty=(PagerdutyConfig(given["routing_key"], http_config=defaults.http_config, url=url),))
    key = given.get("api_key") or defaults.opsgenie_api_key
    if key is None:
        raise ConfigError(f"{name} has no key: give api_key_file or api_key_env, or opsgenie_api_key in the global block", key=FILES)
    url = given["api_url"].get_secret_value() if "api_url" in given else defaults.opsgenie_api_url
    return replace(receiver, opsgenie=(OpsgenieConfig(key, api_url=url, http_config=defaults.http_config),))


def _slack(name: str, given: Mapping[str, SecretStr], defaults: GlobalConfig) -> SlackConfig:
    address, token = given.get("api_url") or defaults.slack_api_url, defaults.slack_app_token
    if address is None and token is None:
        raise ConfigError(f"{name} has no address: give api_url_file or api_url_env, or slack_api_url in the global block", key=FILES)
    found = SlackConfig(
        api_url=address,
        app_token=token if address is None else None,
        app_url=defaults.slack_app_url,
        send_resolved=True,
        http_config=defaults.http_config,
        channel=given["channel"].get_secret_value() if "channel" in given else "",
    )
    return replace(found, username=given["username"].get_secret_value()) if "username" in given else found


def _email(name: str, given: Mapping[str, SecretStr], defaults: GlobalConfig) -> EmailConfig:
    if not defaults.smtp_from or not defaults.smtp_smarthost:
        raise ConfigError(f"{name} has no mail server: give smtp_from and smtp_smarthost in the global block", key="alert.config")
    to = given["to"].get_secret_value()
    return EmailConfig(
        to,
        defaults.smtp_from,
        defaults.smtp_smarthost,
        send_resolved=True,
        hello=defaults.smtp_hello,
        auth_username=defaults.smtp_auth_username,
        auth_password=defaults.smtp_auth_password,
        auth_secret=defaults.smtp_auth_secret,
        auth_identity=defaults.smtp_auth_identity,
        require_tls=defaults.smtp_require_tls,
        force_implicit_tls=defaults.smtp_force_implicit_tls,
        tls_config=defaults.smtp_tls_config,
        headers={"Subject": '{{ template "email.default.subject" . }}', "From": defaults.smtp_from, "To": to},
    )


def _given(name: str, contact: Contact, environment: Mapping[str, str]) -> dict[str, SecretStr]:
    """Every setting of a contact by its name, secrets read."""
    found = {key: SecretStr(value) for key, value in contact.settings.items()}
    for key, path in contact.files.items():
        found[key] = _from_file(name, key, Path(path))
    for key, variable in contact.variables.items():
        if not environment.get(variable):
            raise ConfigError(f"{name} takes its {key} from the variable {variable}, which is not set", key=FILES)
        found[key] = SecretStr(environment[variable])
    return found


def _from_file(name: str, key: str, path: Path) -> SecretStr:
    try:
        with path.open("rb") as file:
            text = file.read(SECRET_BYTES_MAX).decode().strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"{name} takes its {key} from {path}, which can't be read: {why}", key=FILES) from None
    if not text:
        raise ConfigError(f"{name} takes its {key} from {path}, which is empty", key=FILES)
    return SecretStr(text)
