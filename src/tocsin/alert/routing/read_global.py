"""The `global` block of an Alertmanager's file: what receivers that say nothing themselves go by."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import SecretStr

from tocsin.alert.routing import fields as read
from tocsin.alert.routing.read_http import either_secret, read_http, read_tls
from tocsin.alert.routing.receivers import HttpConfig, TlsConfig
from tocsin.slo.files.parts import Fields, Part

# Of integrations that Tocsin has none of.
_OF_OTHERS = (
    "jira_api_url", "mattermost_webhook_url", "mattermost_webhook_url_file", "rocketchat_api_url", "rocketchat_token",
    "rocketchat_token_file", "rocketchat_token_id", "rocketchat_token_id_file", "telegram_api_url", "telegram_bot_token",
    "telegram_bot_token_file", "victorops_api_key", "victorops_api_key_file", "victorops_api_url", "webex_api_url", "wechat_api_corp_id",
    "wechat_api_secret", "wechat_api_secret_file", "wechat_api_url",
)  # fmt: skip
_SMTP: dict[str, read.Reader] = {
    "smtp_from": read.template,
    "smtp_hello": read.template,
    "smtp_smarthost": read.smarthost,
    "smtp_auth_username": read.template,
    "smtp_auth_identity": read.template,
    "smtp_require_tls": read.flag,
    "smtp_force_implicit_tls": read.flag,
    "smtp_tls_config": read_tls,
}
_PLAIN: dict[str, read.Reader] = {
    "resolve_timeout": read.duration_s,
    "http_config": read_http,
    "pagerduty_url": read.url,
    "opsgenie_api_url": read.url,
    "slack_app_url": read.url,
    **_SMTP,
}
_SECRETS = ("smtp_auth_password", "smtp_auth_secret", "slack_api_url", "slack_app_token", "opsgenie_api_key")
_FIELDS = (*_PLAIN, *(name for secret in _SECRETS for name in (secret, f"{secret}_file")))


@dataclass(frozen=True, slots=True)
class GlobalConfig:
    """
    Defaults of all receivers; None and empty texts: there is none.

    Args:
        resolve_timeout_s: After how long an alert has ended that nobody says any more, seconds.
        http_config: Of receivers over HTTP.
        smtp: Fields of an e-mail integration by their names in the record.
        slack_api_url, slack_app_token, slack_app_url: Of Slack.
        pagerduty_url: Of PagerDuty.
        opsgenie_api_url, opsgenie_api_key: Of Opsgenie.
    """

    resolve_timeout_s: float = 300.0
    http_config: HttpConfig = field(default_factory=HttpConfig)
    smtp_from: str = ""
    smtp_hello: str = "localhost"
    smtp_smarthost: str = ""
    smtp_auth_username: str = ""
    smtp_auth_identity: str = ""
    smtp_auth_password: SecretStr | None = None
    smtp_auth_secret: SecretStr | None = None
    smtp_require_tls: bool = True
    smtp_force_implicit_tls: bool | None = None
    smtp_tls_config: TlsConfig = field(default_factory=TlsConfig)
    slack_api_url: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_app_url: str = "https://slack.com/api/chat.postMessage"
    pagerduty_url: str = "https://events.pagerduty.com/v2/enqueue"
    opsgenie_api_url: str = "https://api.opsgenie.com/"
    opsgenie_api_key: SecretStr | None = None


def read_global(part: Part | None) -> GlobalConfig:
    """The `global` block, or the defaults where there is none."""
    if part is None:
        return GlobalConfig()
    fields = read.mapping(part, "the global block", (*_FIELDS, *_OF_OTHERS))
    found = read.values(fields, _PLAIN)
    for name in _SECRETS:
        read.one_of(fields, name, f"{name}_file")
        found[name] = _slack_url(fields) if name == "slack_api_url" else either_secret(fields, name, f"{name}_file")
    if "resolve_timeout" in found:
        found["resolve_timeout_s"] = found.pop("resolve_timeout")
    if found["slack_app_token"] is not None and found["slack_api_url"] is not None:
        fields.wrong("the global block takes slack_api_url or slack_app_token, found both")
    return GlobalConfig(**found)


def _slack_url(fields: Fields) -> SecretStr | None:
    part = fields.optional("slack_api_url")
    return read.secret_url(part) if part is not None else either_secret(fields, "slack_api_url", "slack_api_url_file")
