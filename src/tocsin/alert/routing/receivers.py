"""
Receivers: who is told, and by which integrations, as plain records. Fields have Alertmanager's names, units at the end where it has units.

Secrets are `SecretStr`: they never print. Those that a file holds (`*_file`) are read when the configuration is, and stand in the same
field as those that were written down. What is a template there is a template here: text that whoever sends fills in.

Source: Alertmanager documentation, 'Configuration'; defaults as version 0.33 shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import SecretStr

PAGERDUTY_CLIENT = '{{ template "pagerduty.default.client" . }}'
PAGERDUTY_DETAILS = {
    "firing": "{{ .Alerts.Firing | toJson }}",
    "resolved": "{{ .Alerts.Resolved | toJson }}",
    "num_firing": "{{ .Alerts.Firing | len }}",
    "num_resolved": "{{ .Alerts.Resolved | len }}",
}


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """
    Whom a TLS connection trusts, and as whom it comes.

    Args:
        ca: Certificates (PEM) of the authorities that are trusted; with `ca_file` empty as well, those of the system.
        ca_file, cert_file, key_file: Paths, absolute or from the working directory; empty: none.
        cert, key: The client's own certificate and key as PEM.
        server_name: Name that is asked for and checked in place of the address' host; empty: the host.
        insecure_skip_verify: Do not check the server's certificate.
        min_version, max_version: `TLS10` to `TLS13`; empty: the library's own.
    """

    ca: str = ""
    ca_file: str = ""
    cert: str = ""
    cert_file: str = ""
    key: SecretStr | None = None
    key_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: str = ""
    max_version: str = ""


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """A user's name and password."""

    username: str = ""
    password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """The header Authorization: `type`, a space, `credentials`."""

    type: str = "Bearer"
    credentials: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class OAuth2:
    """Client credentials that are exchanged for a token at `token_url`, with `scopes` and further parameters."""

    client_id: str = ""
    client_secret: SecretStr | None = None
    token_url: str = ""
    scopes: tuple[str, ...] = ()
    endpoint_params: Mapping[str, str] = field(default_factory=dict)
    tls_config: TlsConfig = field(default_factory=TlsConfig)


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """
    How an HTTP client behaves.

    Args:
        basic_auth, authorization, oauth2: At most one of them.
        http_headers: Further headers, each with its values; any may be a secret.
        tls_config: Whom a TLS connection trusts.
        proxy_url: A proxy, perhaps with a password in it; None: none.
        no_proxy: Hosts that are reached without it, with commas.
        proxy_from_environment: Take the proxy from HTTP_PROXY and its kin.
        follow_redirects: Go where a redirect points to.
        enable_http2: Speak HTTP/2 where the server does.
    """

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    oauth2: OAuth2 | None = None
    http_headers: Mapping[str, tuple[SecretStr, ...]] = field(default_factory=dict)
    tls_config: TlsConfig = field(default_factory=TlsConfig)
    proxy_url: SecretStr | None = None
    no_proxy: str = ""
    proxy_from_environment: bool = False
    follow_redirects: bool = True
    enable_http2: bool = True


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """
    A POST with Alertmanager's JSON, version 4.

    Args:
        url: Where to; a template.
        max_alerts: At most so many alerts in it, 0 for all that the notification has.
        timeout_s: Longest time for one request, seconds; 0: the server's option.
        payload: What is sent in place of that JSON: texts in it are templates; None: that JSON.
    """

    url: SecretStr
    send_resolved: bool = True
    http_config: HttpConfig = field(default_factory=HttpConfig)
    max_alerts: int = 0
    timeout_s: float = 0.0
    payload: Any = None


@dataclass(frozen=True, slots=True)
class EmailConfig:
    """
    A mail, over SMTP.

    Args:
        to: Addresses with commas between them; a template.
        sender: Address that it comes from (`from` in the file); a template.
        smarthost: `host:port` of the server.
        hello: Name that this client gives itself.
        auth_username, auth_password, auth_identity: For PLAIN and LOGIN.
        auth_secret: For CRAM-MD5.
        require_tls: Refuse to send when the server offers no STARTTLS.
        force_implicit_tls: TLS from the first byte; None: on port 465 alone.
        headers: Further headers, their values templates; the three `From`, `To`, `Subject` always among them.
        html, text: Bodies, templates; either may be empty.
        threading: Mails of one group form a thread.
        thread_by_date: `daily`: a new thread every day; `none`: one for ever.
    """

    to: str
    sender: str
    smarthost: str
    send_resolved: bool = False
    hello: str = "localhost"
    auth_username: str = ""
    auth_password: SecretStr | None = None
    auth_secret: SecretStr | None = None
    auth_identity: str = ""
    require_tls: bool = True
    force_implicit_tls: bool | None = None
    tls_config: TlsConfig = field(default_factory=TlsConfig)
    headers: Mapping[str, str] = field(default_factory=dict)
    html: str = '{{ template "email.default.html" . }}'
    text: str = ""
    threading: bool = False
    thread_by_date: str = "daily"


@dataclass(frozen=True, slots=True)
class SlackConfirm:
    """A question that is asked before an action is done."""

    text: str = ""
    title: str = ""
    ok_text: str = ""
    dismiss_text: str = ""


@dataclass(frozen=True, slots=True)
class SlackAction:
    """A button; `url`, or `name` and `value`."""

    type: str = ""
    text: str = ""
    url: str = ""
    style: str = ""
    name: str = ""
    value: str = ""
    confirm: SlackConfirm | None = None


@dataclass(frozen=True, slots=True)
class SlackField:
    """A title and a value in an attachment; `short` None: as the attachment's `short_fields`."""

    title: str = ""
    value: str = ""
    short: bool | None = None


@dataclass(frozen=True, slots=True)
class SlackConfig:
    """
    A message to Slack, by an incoming webhook or a bot's token. Texts are templates.

    Args:
        api_url: The incoming webhook; None with a token.
        app_token: A bot's token; None with a webhook.
        app_url: Where messages with a token go.
        message_text: A plain message; when it is set, no attachment is made.
        update_message: Change the group's first message in place of sending another; needs a token.
        timeout_s: Longest time for one request, seconds; 0: the server's option.
    """

    api_url: SecretStr | None = None
    app_token: SecretStr | None = None
    app_url: str = "https://slack.com/api/chat.postMessage"
    send_resolved: bool = False
    http_config: HttpConfig = field(default_factory=HttpConfig)
    channel: str = ""
    username: str = '{{ template "slack.default.username" . }}'
    color: str = '{{ template "slack.default.color" . }}'
    title: str = '{{ template "slack.default.title" . }}'
    title_link: str = '{{ template "slack.default.titlelink" . }}'
    pretext: str = '{{ template "slack.default.pretext" . }}'
    text: str = '{{ template "slack.default.text" . }}'
    message_text: str = ""
    fields: tuple[SlackField, ...] = ()
    short_fields: bool = False
    footer: str = '{{ template "slack.default.footer" . }}'
    fallback: str = '{{ template "slack.default.fallback" . }}'
    callback_id: str = '{{ template "slack.default.callbackid" . }}'
    icon_emoji: str = '{{ template "slack.default.iconemoji" . }}'
    icon_url: str = '{{ template "slack.default.iconurl" . }}'
    image_url: str = ""
    thumb_url: str = ""
    link_names: bool = False
    mrkdwn_in: tuple[str, ...] = ("fallback", "pretext", "text")
    actions: tuple[SlackAction, ...] = ()
    update_message: bool = False
    timeout_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PagerdutyImage:
    """An image of an incident; all three are templates."""

    src: str = ""
    alt: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class PagerdutyLink:
    """A link of an incident; both are templates."""

    href: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class PagerdutyConfig:
    """
    An event for PagerDuty. Texts are templates.

    Args:
        routing_key: Of an integration of the kind Events API v2; None with a service key.
        service_key: Of an integration of the kind Prometheus; None with a routing key.
        source: Empty: the client.
        details: Further facts by name, templates; the default's four always among them, unless the file says otherwise. Values may be
            nested mappings and lists.
        timeout_s: Longest time for one request, seconds; 0: the server's option.
    """

    routing_key: SecretStr | None = None
    service_key: SecretStr | None = None
    send_resolved: bool = True
    http_config: HttpConfig = field(default_factory=HttpConfig)
    url: str = "https://events.pagerduty.com/v2/enqueue"
    client: str = PAGERDUTY_CLIENT
    client_url: str = '{{ template "pagerduty.default.clientURL" . }}'
    description: str = '{{ template "pagerduty.default.description" .}}'
    severity: str = "error"
    source: str = PAGERDUTY_CLIENT
    details: Mapping[str, Any] = field(default_factory=lambda: dict(PAGERDUTY_DETAILS))
    images: tuple[PagerdutyImage, ...] = ()
    links: tuple[PagerdutyLink, ...] = ()
    component: str = ""
    group: str = ""
    class_: str = ""
    timeout_s: float = 0.0


@dataclass(frozen=True, slots=True)
class OpsgenieResponder:
    """Who answers: `type` (team, teams, user, escalation, schedule) with one of the other three; templates."""

    type: str = ""
    id: str = ""
    name: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class OpsgenieConfig:
    """An alert for Opsgenie. Texts are templates; `tags` and `actions` have commas between their words."""

    api_key: SecretStr
    api_url: str = "https://api.opsgenie.com/"
    send_resolved: bool = True
    http_config: HttpConfig = field(default_factory=HttpConfig)
    message: str = '{{ template "opsgenie.default.message" . }}'
    description: str = '{{ template "opsgenie.default.description" . }}'
    source: str = '{{ template "opsgenie.default.source" . }}'
    details: Mapping[str, str] = field(default_factory=dict)
    responders: tuple[OpsgenieResponder, ...] = ()
    tags: str = ""
    note: str = ""
    priority: str = ""
    entity: str = ""
    actions: str = ""
    update_alerts: bool = False


_Integration: TypeAlias = WebhookConfig | EmailConfig | PagerdutyConfig | OpsgenieConfig | SlackConfig


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """One way to tell a receiver: its name (`slack/0`, `chain/shop`), and whether it is told that alerts ended."""

    name: str
    send_resolved: bool


@dataclass(frozen=True, slots=True)
class Receiver:
    """
    Somebody who is told.

    Args:
        name: As routes call it.
        webhook, email, pagerduty, opsgenie, slack: Its integrations of each kind, in the order of the file.
        labels: Texts about it, by name.
    """

    name: str
    webhook: tuple[WebhookConfig, ...] = ()
    email: tuple[EmailConfig, ...] = ()
    pagerduty: tuple[PagerdutyConfig, ...] = ()
    opsgenie: tuple[OpsgenieConfig, ...] = ()
    slack: tuple[SlackConfig, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def channels(self) -> tuple[ChannelInfo, ...]:
        """A channel for each integration, named by kind and index."""
        kinds: dict[str, tuple[_Integration, ...]] = {
            "webhook": self.webhook,
            "email": self.email,
            "pagerduty": self.pagerduty,
            "opsgenie": self.opsgenie,
            "slack": self.slack,
        }
        return tuple(
            ChannelInfo(f"{kind}/{index}", integration.send_resolved)
            for kind, integrations in kinds.items()
            for index, integration in enumerate(integrations)
        )
