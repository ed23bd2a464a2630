"""Alertmanager's configuration: what is taken, what is refused and how that is said, and what secrets never do."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.alert.routing.case_files import Case, cases, write_secrets

from tocsin.alert.routing.config import AlertingConfig, default_config, read_config
from tocsin.alert.routing.receivers import PAGERDUTY_DETAILS, ChannelInfo, SlackField
from tocsin.model.labels import Labels
from tocsin.slo.files.notes import DefinitionMistakes

WHOLE = """
global:
  resolve_timeout: 10m
  smtp_from: tocsin@example.com
  smtp_smarthost: mail.example.com:587
  smtp_auth_password: hunter2
  slack_api_url: https://hooks.example.com/T0/hunter2
  opsgenie_api_key_file: key
  http_config: {basic_auth: {username: ana, password: hunter2}, http_headers: {X-Key: {secrets: [hunter2], files: [key]}}}
templates: ['pages/*.tmpl']
route:
  receiver: team
  group_by: [alertname, service]
  routes:
  - matchers: ['severity="page"', 'team=~"shop|cart"']
    receiver: pager
    group_wait: 10s
    mute_time_intervals: [night]
    continue: true
    routes:
    - matchers: ['{region!="eu"}']
  - match: {severity: page}
    group_by: ['...']
    repeat_interval: 1d
inhibit_rules:
- {name: cause, source_matchers: [a=b], target_match_re: {c: 'd|e'}, equal: [service]}
time_intervals:
- name: night
  time_intervals:
  - {times: [{start_time: '22:00', end_time: '24:00'}], weekdays: ['monday:friday'], months: [may], location: Europe/Berlin}
receivers:
- name: team
  slack_configs: [{channel: '#ops', fields: [{title: t, value: v}], timeout: 5s}]
  email_configs: [{to: ana@example.com, headers: {subject: S}}]
- name: pager
  webhook_configs: [{url: 'http://hook.example.com/hunter2', max_alerts: 5}, {url_file: key}]
  pagerduty_configs: [{routing_key: hunter2, class: c, details: {more: {nested: [x]}}}]
  opsgenie_configs: [{responders: [{type: team, name: shop}]}]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the configuration lies, beside the files that it names."""
    write_secrets(tmp_path)
    (tmp_path / "key").write_text("  http://hunter2.example.com/ \n", encoding="utf-8")
    return tmp_path / "alertmanager.yml"


def read(path: Path, text: str) -> AlertingConfig:
    """What a text says as a configuration."""
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def check(text: str) -> None:
    """A text is a configuration, or all that is wrong with it is said."""
    with TemporaryDirectory() as folder:
        try:
            config = read(Path(folder) / "alertmanager.yml", text)
        except DefinitionMistakes:
            pass
        else:
            assert config.route.match(Labels({"a": "b"}))


def mistakes_of(path: Path, text: str) -> list[str]:
    """What is said about a text, without the path."""
    with pytest.raises(DefinitionMistakes) as caught:
        read(path, text)
    return [str(mistake).removeprefix(str(path)).lstrip(":").strip() for mistake in caught.value.mistakes]


@pytest.mark.parametrize("case", cases("accepted"), ids=lambda case: case.name)
def test_what_is_taken(case: Case, path: Path) -> None:
    """Each of these says where alerts go; its text with secrets hidden can be read again."""
    config = read(path, case.text)
    assert config.route.receiver in config.receivers
    assert isinstance(yaml.safe_load(config.original), dict)


@pytest.mark.parametrize("case", [*cases("refused"), *cases("stricter")], ids=lambda case: case.name)
def test_what_is_refused(case: Case, path: Path) -> None:
    """Everything that is wrong is said, each with its place and what to do."""
    assert mistakes_of(path, case.text) == list(case.mistakes)


def test_a_whole_file(path: Path) -> None:
    """Routes inherit, receivers take what the global block says, secrets come from their files."""
    config = read(path, WHOLE)
    page, all_pages = config.route.routes
    assert (page.id, page.receiver, page.group_wait_s, page.group_interval_s) == (
        '{}/{severity="page",team=~"shop|cart"}',
        "pager",
        10,
        300,
    )
    assert (page.routes[0].id, page.routes[0].receiver) == ('{}/{severity="page",team=~"shop|cart"}/{region!="eu"}', "pager")
    assert (page.routes[0].group_by, page.routes[0].mute_time_intervals) == (frozenset({"alertname", "service"}), ())
    assert (all_pages.receiver, all_pages.group_by_all, all_pages.repeat_interval_s) == ("team", True, 86_400)
    team, pager = config.receivers.values()
    assert team.channels == (ChannelInfo("email/0", send_resolved=False), ChannelInfo("slack/0", send_resolved=False))
    assert [channel.name for channel in pager.channels] == ["webhook/0", "webhook/1", "pagerduty/0", "opsgenie/0"]
    slack, mail = team.slack[0], team.email[0]
    assert slack.api_url is not None
    assert slack.api_url.get_secret_value() == "https://hooks.example.com/T0/hunter2"
    assert (slack.fields, slack.timeout_s) == ((SlackField("t", "v"),), 5)
    assert mail.headers == {"From": "tocsin@example.com", "To": "ana@example.com", "Subject": "S"}
    assert mail.auth_password is not None
    assert [hook.url.get_secret_value() for hook in pager.webhook] == ["http://hook.example.com/hunter2", "http://hunter2.example.com/"]
    assert pager.opsgenie[0].api_key.get_secret_value() == "http://hunter2.example.com/"
    assert pager.pagerduty[0].details == {**PAGERDUTY_DETAILS, "more": {"nested": ["x"]}}
    assert pager.pagerduty[0].http_config.basic_auth is not None
    assert [value.get_secret_value() for value in pager.webhook[0].http_config.http_headers["X-Key"]] == [
        "hunter2",
        "http://hunter2.example.com/",
    ]
    assert config.resolve_timeout_s == 600
    assert config.templates == (str(path.parent / "pages/*.tmpl"),)
    assert config.inhibit_rules[0].name == "cause"


def test_secrets_never_print(path: Path) -> None:
    """Neither in the records, nor in the text for the API, which says the same beside them."""
    config = read(path, WHOLE)
    assert "hunter2" not in repr(config)
    assert "hunter2" not in config.original
    shown = yaml.safe_load(config.original)
    assert shown["global"]["slack_api_url"] == "<secret>"
    assert shown["receivers"][1]["webhook_configs"][0] == {"url": "<secret>", "max_alerts": 5}
    assert shown["route"]["routes"][0]["continue"] is True
    assert shown["receivers"][1]["webhook_configs"][1]["url_file"] == "key"


@pytest.mark.parametrize(
    "wrong",
    [
        "receivers: [{name: a, slack_configs: 'https://hunter2'}]",
        "receivers: [{name: a, slack_configs: ['https://hunter2']}]",
        "receivers: [{name: a, webhook_configs: [{url: 'ftp://hunter2'}]}]",
        "receivers: [{name: a, webhook_configs: [{url: {hunter2: hunter2}}]}]",
        "receivers: 'hunter2'",
        "global: 'hunter2'\nreceivers: [{name: a}]",
        "global: {http_config: 'hunter2', slack_api_url: 'hunter2', smtp_auth_password: [hunter2]}\nreceivers: [{name: a}]",
        "global: {http_config: {basic_auth: 'ana:hunter2', proxy_url: 'hunter2', http_headers: {A: 'hunter2'}}}\nreceivers: [{name: a}]",
    ],
)
def test_mistakes_repeat_no_secret(wrong: str, path: Path) -> None:
    """What stands where a secret might is not repeated."""
    found = mistakes_of(path, f"route: {{receiver: a}}\n{wrong}\n")
    assert found
    assert "hunter2" not in "\n".join(found)


def test_all_mistakes_are_said_at_once(path: Path) -> None:
    """Mistakes in every block, each with its line and what was probably meant."""
    found = mistakes_of(
        path,
        """
global: {smtp_form: a@b}
route:
  receiver: pagr
  group_wait: soon
  routes: [{matchers: ['a=~"["'], mute_time_intervals: [nigth]}]
receivers:
- name: pager
  webhook_configs: [{}]
- name: chat
  telegram_configs: [{bot_token: x}]
time_intervals: [{name: night, time_intervals: [{weekdays: [mnday]}]}]
""",
    )
    assert [mistake.split(":")[0] for mistake in found] == ["2", "4", "5", "6", "6", "9", "11", "12"]
    for hint in (
        "did you mean 'smtp_from'?",
        "did you mean 'pager'?",
        "did you mean 'night'?",
        "did you mean 'monday'?",
        "the receiver 'chat'",
    ):
        assert any(hint in mistake for mistake in found), hint


def test_integrations_of_others_may_be_left_out(path: Path) -> None:
    """When asked to, they are read past, and that is said."""
    path.write_text("route: {receiver: a}\nreceivers: [{name: a, msteams_configs: [{}], discord_configs: []}]\n", encoding="utf-8")
    config = read_config(path, others_ignored=True)
    assert config.receivers["a"].channels == ()
    assert len(config.remarks) == 1
    assert "'a' is not told by its msteams_configs" in config.remarks[0]


def test_remarks(path: Path) -> None:
    """What is allowed and probably not meant is said, and refuses nothing."""
    text = "route: {receiver: a, routes: [{matchers: ['a=b c']}]}\nreceivers: [{name: a}]\ninhibit_rules: [{}]\ntracing: {}\n"
    assert [remark.split(": ", 1)[1].split(" ")[0] for remark in read(path, text).remarks] == ["these", "an", "an", "tracing"]


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"x" * (70 << 10)])
def test_secrets_that_can_not_be_read(content: bytes | None, path: Path) -> None:
    """A file of a secret that is not there, empty, not text or far too large is a mistake now, not when somebody is to be paged."""
    secret = path.parent / "secret"
    if content is not None:
        secret.write_bytes(content)
    found = mistakes_of(path, "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url_file: secret}]}]\n")
    assert len(found) == 1
    assert "the file 'secret'" in found[0]


def test_by_severity_without_a_file() -> None:
    """P1 pages, P2 makes a ticket, and so on, in whatever words; what has no severity makes a ticket."""
    config = default_config()
    words = {"page": "page", "Critical": "page", "P2": "ticket", "info": "review", "none": "dashboard", "": "ticket", "odd": "ticket"}
    assert {word: config.route.match(Labels({"severity": word}))[0].receiver for word in words} == words
    assert set(config.receivers) == {"page", "ticket", "review", "dashboard"}
    assert all(route.group_by == {"service", "alertname"} for route in config.route.walk())


@given(st.text(max_size=60), st.sampled_from(["route: {}", "receivers: [{{name: a}}]\nroute: {{receiver: a, routes: [{}]}}", "{}"]))
def test_no_text_breaks_it(text: str, around: str) -> None:
    """Whatever stands in a file, it is a configuration or a list of mistakes."""
    check(around.format(text))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "route", "receiver", "matchers", "match", "global", "equal", "times", "url"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    ),
    st.sampled_from(["route", "receivers", "inhibit_rules", "time_intervals", "global", "templates"]),
)
def test_no_tree_breaks_it(tree: object, block: str) -> None:
    """Any values in any block: a configuration, or mistakes."""
    check(yaml.safe_dump({"route": {"receiver": "a"}, "receivers": [{"name": "a"}], block: tree}))
