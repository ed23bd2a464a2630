"""The `receivers` block of an Alertmanager's file: who is told, by which integrations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import SecretStr

from tocsin.alert.routing import fields as read
from tocsin.alert.routing.read_global import GlobalConfig
from tocsin.alert.routing.read_http import either_secret, read_http, read_tls
from tocsin.alert.routing.receivers import (
    PAGERDUTY_CLIENT,
    PAGERDUTY_DETAILS,
    EmailConfig,
    OpsgenieConfig,
    OpsgenieResponder,
    PagerdutyConfig,
    PagerdutyImage,
    PagerdutyLink,
    Receiver,
    SlackAction,
    SlackConfig,
    SlackConfirm,
    SlackField,
    WebhookConfig,
)
from tocsin.model.spelling import did_you_mean
from tocsin.slo.files.parts import Fields, Part

OTHERS = (
    "discord_configs", "incidentio_configs", "jira_configs", "mattermost_configs", "msteams_configs", "msteamsv2_configs",
    "pushover_configs", "rocketchat_configs", "sns_configs", "telegram_configs", "victorops_configs", "webex_configs", "wechat_configs",
)  # fmt: skip
OURS = ("webhook_configs", "email_configs", "pagerduty_configs", "opsgenie_configs", "slack_configs")
SLACK_POST_MESSAGE = "https://slack.com/api/chat.postMessage"
RESPONDERS = ("team", "teams", "user", "escalation", "schedule")

_COMMON: dict[str, read.Reader] = {"send_resolved": read.flag, "http_config": read_http}
_WEBHOOK: dict[str, read.Reader] = {**_COMMON, "max_alerts": read.whole_number, "timeout": read.duration_s, "payload": read.tree}
_EMAIL: dict[str, read.Reader] = {
    "send_resolved": read.flag,
    "to": read.template,
    "from": read.template,
    "hello": read.template,
    "smarthost": read.smarthost,
    "auth_username": read.template,
    "auth_identity": read.template,
    "require_tls": read.flag,
    "force_implicit_tls": read.flag,
    "tls_config": read_tls,
    "headers": read.text_map,
    "html": read.template,
    "text": read.template,
}
_CONFIRM: dict[str, read.Reader] = dict.fromkeys(("text", "title", "ok_text", "dismiss_text"), read.template)
_ACTION: dict[str, read.Reader] = dict.fromkeys(("type", "text", "url", "style", "name", "value"), read.template)
_FIELD: dict[str, read.Reader] = {"title": read.template, "value": read.template, "short": read.flag}
_SLACK: dict[str, read.Reader] = {
    **_COMMON,
    **dict.fromkeys(
        (
            "channel", "username", "color", "title", "title_link", "pretext", "text", "message_text", "footer", "fallback", "callback_id",
            "icon_emoji", "icon_url", "image_url", "thumb_url",
        ),
        read.template,
    ),
    "app_url": read.url,
    "short_fields": read.flag,
    "link_names": read.flag,
    "update_message": read.flag,
    "mrkdwn_in": read.texts,
    "timeout": read.duration_s,
}  # fmt: skip
_PAGERDUTY: dict[str, read.Reader] = {
    **_COMMON,
    **dict.fromkeys(("client", "client_url", "description", "severity", "source", "component", "group", "class"), read.template),
    "url": read.url,
    "timeout": read.duration_s,
}
_IMAGE: dict[str, read.Reader] = dict.fromkeys(("src", "alt", "href"), read.template)
_LINK: dict[str, read.Reader] = dict.fromkeys(("href", "text"), read.template)
_OPSGENIE: dict[str, read.Reader] = {
    **_COMMON,
    **dict.fromkeys(("message", "description", "source", "tags", "note", "priority", "entity", "actions"), read.template),
    "api_url": read.url,
    "details": read.text_map,
    "update_alerts": read.flag,
}
_RESPONDER: dict[str, read.Reader] = dict.fromkeys(("type", "id", "name", "username"), read.template)


def read_receivers(parts: Sequence[Part], defaults: GlobalConfig, *, others_ignored: bool = False) -> dict[str, Receiver]:
    """
    Receivers by name.

    Args:
        parts: The elements of the block.
        defaults: The `global` block.
        others_ignored: Integrations that Tocsin has none of are remarked and left out; otherwise each is a mistake, because what would be
            sent by it would be lost.
    """
    found: dict[str, Receiver] = {}
    for part in parts:
        receiver = _receiver(part, defaults, others_ignored=others_ignored)
        if not receiver.name:
            part.wrong("a receiver needs a name")
        elif receiver.name in found:
            part.wrong(f"two receivers are called {receiver.name!r}; each needs a name of its own")
        else:
            found[receiver.name] = receiver
    return found


def _receiver(part: Part, defaults: GlobalConfig, *, others_ignored: bool) -> Receiver:
    fields = read.mapping(part, "a receiver", ("name", "labels", *OURS, *OTHERS))
    name = fields.text("name")
    for other in OTHERS:
        if read.elements(fields.optional(other), "integrations"):
            _refuse_other(fields.found[other], name, other, others_ignored=others_ignored)
    labels = fields.optional("labels")
    return Receiver(
        name,
        webhook=_each(fields, "webhook_configs", defaults, _webhook),
        email=_each(fields, "email_configs", defaults, _email),
        pagerduty=_each(fields, "pagerduty_configs", defaults, _pagerduty),
        opsgenie=_each(fields, "opsgenie_configs", defaults, _opsgenie),
        slack=_each(fields, "slack_configs", defaults, _slack),
        labels=read.text_map(labels) if labels is not None else {},
    )


def _refuse_other(part: Part, receiver: str, kind: str, *, others_ignored: bool) -> None:
    if others_ignored:
        part.remark(f"the receiver {receiver!r} is not told by its {kind}: Tocsin sends by {', '.join(OURS)} alone")
        return
    part.wrong(
        f"the receiver {receiver!r} would lose what its {kind} are to send: Tocsin sends by {', '.join(OURS)} alone; "
        "use one of them (most services take a webhook)"
    )


def _each(fields: Fields, name: str, defaults: GlobalConfig, reader: Callable[[Part, GlobalConfig], Any]) -> tuple[Any, ...]:
    return tuple(reader(item, defaults) for item in read.elements(fields.optional(name), "integrations"))


def _seconds(found: dict[str, Any]) -> dict[str, Any]:
    if "timeout" in found:
        found["timeout_s"] = found.pop("timeout")
    return found


def _webhook(part: Part, defaults: GlobalConfig) -> WebhookConfig:
    fields = read.mapping(part, "a webhook", (*_WEBHOOK, "url", "url_file"))
    read.one_of(fields, "url", "url_file")
    url = fields.optional("url")
    where = read.secret_url_template(url) if url is not None else either_secret(fields, "url", "url_file")
    if where is None:
        fields.wrong("a webhook needs 'url' or 'url_file'")
        where = SecretStr("")
    return WebhookConfig(where, **{"http_config": defaults.http_config, **_seconds(read.values(fields, _WEBHOOK))})


def _email(part: Part, defaults: GlobalConfig) -> EmailConfig:
    fields = read.mapping(
        part, "an email", (*_EMAIL, "auth_password", "auth_password_file", "auth_secret", "auth_secret_file", "threading")
    )
    found = read.values(fields, _EMAIL)
    sender, host = found.pop("from", "") or defaults.smtp_from, found.pop("smarthost", "") or defaults.smtp_smarthost
    to = found.pop("to", "")
    if not to:
        fields.wrong("an email needs 'to'")
    if not sender:
        fields.wrong("an email needs 'from', here or as smtp_from in the global block")
    if not host:
        fields.wrong("an email needs 'smarthost', here or as smtp_smarthost in the global block")
    for name in ("auth_password", "auth_secret"):
        read.one_of(fields, name, f"{name}_file")
        found[name] = either_secret(fields, name, f"{name}_file") or getattr(defaults, f"smtp_{name}")
    for name in ("hello", "auth_username", "auth_identity"):
        found[name] = found.get(name) or getattr(defaults, f"smtp_{name}")
    for name in ("require_tls", "force_implicit_tls", "tls_config"):
        found.setdefault(name, getattr(defaults, f"smtp_{name}"))
    found["headers"] = _headers(fields, found.get("headers", {}), {"From": sender, "To": to})
    return EmailConfig(to, sender, host, **found, **_threading(fields.optional("threading")))


def _headers(fields: Fields, written: dict[str, str], always: dict[str, str]) -> dict[str, str]:
    headers = {"Subject": '{{ template "email.default.subject" . }}', **always}
    seen: set[str] = set()
    for name, value in written.items():
        plain = "-".join(word.capitalize() for word in name.split("-"))
        if plain in seen:
            fields.found["headers"].wrong(f"the header {plain!r} stands there twice, in letters of different case")
        seen.add(plain)
        headers[plain] = value
    return headers


def _threading(part: Part | None) -> dict[str, Any]:
    if part is None:
        return {}
    fields = read.mapping(part, "threading", ("enabled", "thread_by_date"))
    found = read.values(fields, {"enabled": read.flag, "thread_by_date": read.choice("daily", "none")})
    if found.get("enabled") and "thread_by_date" not in found:
        fields.wrong("threading needs 'thread_by_date': daily or none")
    return {"threading": found.get("enabled", False), "thread_by_date": found.get("thread_by_date", "daily")}


def _slack(part: Part, defaults: GlobalConfig) -> SlackConfig:
    also = ("api_url", "api_url_file", "app_token", "app_token_file", "fields", "actions")
    fields = read.mapping(part, "a slack message", (*_SLACK, *also))
    found = _seconds(read.values(fields, _SLACK))
    for name in ("api_url", "app_token"):
        read.one_of(fields, name, f"{name}_file")
    url = fields.optional("api_url")
    webhook = read.secret_url(url) if url is not None else either_secret(fields, "api_url", "api_url_file")
    token = either_secret(fields, "app_token", "app_token_file")
    if webhook is not None and token is not None:
        fields.wrong("a slack message takes api_url or app_token, found both")
    if webhook is None and token is None:
        webhook, token = defaults.slack_api_url, defaults.slack_app_token
        if webhook is None and token is None:
            fields.wrong("a slack message needs 'api_url' or 'app_token', here or as slack_api_url or slack_app_token in the global block")
    found.update(api_url=webhook, app_token=token)
    if token is not None and "http_config" in found and found["http_config"].authorization is not None:
        fields.found["http_config"].wrong("a slack message with a token makes the header Authorization itself; take it out of http_config")
    if found.get("update_message") and token is None and webhook != SecretStr(SLACK_POST_MESSAGE):
        fields.found["update_message"].wrong(
            f"only a bot's token can change a message: give 'app_token', or {SLACK_POST_MESSAGE} as api_url"
        )
    found.setdefault("app_url", defaults.slack_app_url)
    found["fields"] = tuple(_slack_field(item) for item in read.elements(fields.optional("fields"), "fields"))
    found["actions"] = tuple(_slack_action(item) for item in read.elements(fields.optional("actions"), "actions"))
    return SlackConfig(**{"http_config": defaults.http_config, **found})


def _slack_field(part: Part) -> SlackField:
    return SlackField(**_with(read.mapping(part, "a field of a slack message", tuple(_FIELD)), _FIELD, "title", "value"))


def _slack_action(part: Part) -> SlackAction:
    fields = read.mapping(part, "an action of a slack message", (*_ACTION, "confirm"))
    found = _with(fields, _ACTION, "type", "text")
    if not found.get("url") and not found.get("name"):
        fields.wrong("an action of a slack message needs 'url', or 'name' and 'value'")
    question = fields.optional("confirm")
    if question is None:
        return SlackAction(**found)
    asked = read.mapping(question, "a question before an action", tuple(_CONFIRM))
    return SlackAction(**found, confirm=SlackConfirm(**_with(asked, _CONFIRM, "text")))


def _with(fields: Fields, readers: dict[str, read.Reader], *needed: str) -> dict[str, Any]:
    found = read.values(fields, readers)
    for name in needed:
        if not found.get(name):
            fields.wrong(f"{fields.what} needs {name!r}")
    return found


def _pagerduty(part: Part, defaults: GlobalConfig) -> PagerdutyConfig:
    keys = ("routing_key", "routing_key_file", "service_key", "service_key_file")
    fields = read.mapping(part, "a pagerduty event", (*_PAGERDUTY, *keys, "details", "images", "links"))
    found = _seconds(read.values(fields, _PAGERDUTY))
    for name in ("routing_key", "service_key"):
        read.one_of(fields, name, f"{name}_file")
        found[name] = either_secret(fields, name, f"{name}_file")
    if found["routing_key"] is None and found["service_key"] is None:
        fields.wrong("a pagerduty event needs 'routing_key' (Events API v2) or 'service_key' (Prometheus), or the file of one of them")
    if "class" in found:
        found["class_"] = found.pop("class")
    found.setdefault("source", found.get("client", PAGERDUTY_CLIENT))
    details = fields.optional("details")
    written = {key.value: read.tree(value) for key, value in details.entries("details")} if details is not None else {}
    found["details"] = {**PAGERDUTY_DETAILS, **written}
    found["images"] = tuple(
        PagerdutyImage(**read.values(read.mapping(item, "an image", tuple(_IMAGE)), _IMAGE))
        for item in read.elements(fields.optional("images"), "images")
    )
    found["links"] = tuple(
        PagerdutyLink(**read.values(read.mapping(item, "a link", tuple(_LINK)), _LINK))
        for item in read.elements(fields.optional("links"), "links")
    )
    return PagerdutyConfig(**{"http_config": defaults.http_config, "url": defaults.pagerduty_url, **found})


def _opsgenie(part: Part, defaults: GlobalConfig) -> OpsgenieConfig:
    fields = read.mapping(part, "an opsgenie alert", (*_OPSGENIE, "api_key", "api_key_file", "responders"))
    read.one_of(fields, "api_key", "api_key_file")
    key = either_secret(fields, "api_key", "api_key_file") or defaults.opsgenie_api_key
    if key is None:
        fields.wrong("an opsgenie alert needs 'api_key' or 'api_key_file', here or as opsgenie_api_key in the global block")
        key = SecretStr("")
    found = read.values(fields, _OPSGENIE)
    found["responders"] = tuple(_responder(item) for item in read.elements(fields.optional("responders"), "responders"))
    return OpsgenieConfig(key, **{"http_config": defaults.http_config, "api_url": defaults.opsgenie_api_url, **found})


def _responder(part: Part) -> OpsgenieResponder:
    fields = read.mapping(part, "a responder", tuple(_RESPONDER))
    found = _with(fields, _RESPONDER, "type")
    if not any(found.get(name) for name in ("id", "name", "username")):
        fields.wrong("a responder needs 'id', 'name' or 'username'")
    kind = str(found.get("type", ""))
    if kind and "{{" not in kind and kind.lower() not in RESPONDERS:
        fields.found["type"].wrong(f"expected one of {', '.join(RESPONDERS)}, found {kind!r}{did_you_mean(kind, RESPONDERS)}")
    return OpsgenieResponder(**found)
