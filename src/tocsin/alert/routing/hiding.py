"""An Alertmanager's file as it may be shown: its text again, every secret replaced, so that tools that read it from the API still can."""

from __future__ import annotations

import yaml

from tocsin.collect.hidden import hide_in_url, is_secret_key
from tocsin.slo.files.parts import Part, Sort

SECRET = "<secret>"

# Addresses that are secrets themselves: who knows them can send.
_SECRET_ADDRESSES = frozenset({"slack_api_url", "mattermost_webhook_url", "webhook_url", "proxy_url"})
_SECRET_IN = {"webhook_configs": "url", "slack_configs": "api_url", "incidentio_configs": "url"}
_SECRET_BLOCKS = frozenset({"http_headers", "proxy_connect_header"})
_ALSO_SECRET = frozenset({"routing_key", "service_key", "user_key"})
_NEVER = ("_file", "_ref")

_resolver = yaml.resolver.Resolver()


def shown(document: Part) -> str:
    """The text of a document with its secrets hidden."""
    return str(yaml.serialize(_node(document, ""), Dumper=yaml.SafeDumper, allow_unicode=True, width=1000))


def _node(part: Part, around: str) -> yaml.Node:
    """`around`: the block of integrations that the part stands in, empty outside of one."""
    if part.sort is Sort.MAPPING:
        pairs = [(_scalar(key.value, quoted=key.quoted), _value(key.value, value, around)) for key, value in part.pairs]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)
    if part.sort is Sort.LIST:
        return yaml.SequenceNode("tag:yaml.org,2002:seq", [_node(item, around) for item in part.items], flow_style=False)
    return _scalar(hide_in_url(part.value), quoted=part.quoted)


def _value(key: str, value: Part, around: str) -> yaml.Node:
    if _is_secret(key, around) and not value.is_null:
        return _hidden(value)
    return _node(value, key if key.endswith("_configs") else around)


def _is_secret(key: str, around: str) -> bool:
    if key.endswith(_NEVER):
        return False
    named = key in _SECRET_ADDRESSES or key in _ALSO_SECRET or key in _SECRET_BLOCKS or _SECRET_IN.get(around) == key
    return named or is_secret_key(key)


def _hidden(part: Part) -> yaml.Node:
    if part.sort is Sort.MAPPING:
        pairs = [(_scalar(key.value, quoted=key.quoted), _hidden(value)) for key, value in part.pairs]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)
    if part.sort is Sort.LIST:
        return yaml.SequenceNode("tag:yaml.org,2002:seq", [_hidden(item) for item in part.items], flow_style=False)
    return _scalar(SECRET, quoted=False)


def _scalar(text: str, *, quoted: bool) -> yaml.ScalarNode:
    if quoted:
        return yaml.ScalarNode("tag:yaml.org,2002:str", text, style='"')
    return yaml.ScalarNode(_resolver.resolve(yaml.ScalarNode, text, (True, False)), text)  # type: ignore[no-untyped-call]  # its stubs are old
