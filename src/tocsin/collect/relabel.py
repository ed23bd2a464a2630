"""
Relabelling: rules that rewrite a set of labels, or drop it, before a target is scraped and before a sample is stored.

    - {source_labels: [__address__], regex: '([^:]+):.*', target_label: host, replacement: $1}

Rules run in their order on a plain dictionary in which a label with an empty value does not exist. The meaning of each action is
Prometheus' to the letter (prometheus.yml, `<relabel_config>`); a rule that can't mean anything is refused when options are read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tocsin.collect.notation import Text
from tocsin.errors import InvalidInput
from tocsin.model.pattern import Pattern, check_pattern, compile_pattern, expand

DEFAULT_REGEX = "(.*)"
DEFAULT_REPLACEMENT = "$1"
DEFAULT_SEPARATOR = ";"


class RelabelAction(StrEnum):
    """What a rule does; the value is its word in the configuration."""

    REPLACE = "replace"
    KEEP = "keep"
    DROP = "drop"
    KEEPEQUAL = "keepequal"
    DROPEQUAL = "dropequal"
    HASHMOD = "hashmod"
    LABELMAP = "labelmap"
    LABELDROP = "labeldrop"
    LABELKEEP = "labelkeep"
    LOWERCASE = "lowercase"
    UPPERCASE = "uppercase"


_NEED_TARGET = {
    RelabelAction.REPLACE,
    RelabelAction.HASHMOD,
    RelabelAction.LOWERCASE,
    RelabelAction.UPPERCASE,
    RelabelAction.KEEPEQUAL,
    RelabelAction.DROPEQUAL,
}
_ONLY_REGEX = {RelabelAction.LABELDROP, RelabelAction.LABELKEEP}
_ONLY_LABELS = {RelabelAction.KEEPEQUAL, RelabelAction.DROPEQUAL}


class RelabelRule(BaseModel):
    """One rule of `relabel_configs` or `metric_relabel_configs`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source_labels: tuple[Text, ...] = Field(default=(), description="Labels whose values, joined by the separator, are looked at.")
    separator: Text = Field(default=DEFAULT_SEPARATOR, description="Text between the joined values.")
    regex: Text = Field(default=DEFAULT_REGEX, description="Regular expression (RE2) that must match the whole text.")
    modulus: int = Field(default=0, ge=0, lt=2**64, description="What `hashmod` divides by.")
    target_label: Text = Field(default="", description="Label that is written, or compared with.")
    replacement: Text = Field(default=DEFAULT_REPLACEMENT, description="What is written; $1 or ${name} stand for groups of the regex.")
    action: RelabelAction = Field(default=RelabelAction.REPLACE, description="What the rule does.")

    @field_validator("action", mode="before")
    @classmethod
    def _read_action(cls, value: Any) -> Any:
        if isinstance(value, str) and value.lower() in RelabelAction._value2member_map_:
            return value.lower()
        known = ", ".join(action.value for action in RelabelAction)
        raise ValueError(f"expected an action ({known}), found {value!r}")

    @field_validator("regex")
    @classmethod
    def _check_regex(cls, text: str) -> str:
        try:
            check_pattern(text)
        except InvalidInput as error:
            raise ValueError(f"expected a regular expression of RE2: {error}") from error
        return text

    @model_validator(mode="after")
    def _check_whole(self) -> RelabelRule:
        action = self.action
        if action in _NEED_TARGET and not self.target_label:
            raise ValueError(f"the action {action.value} needs target_label")
        if action is RelabelAction.HASHMOD and not self.modulus:
            raise ValueError("the action hashmod needs modulus, 1 or more")
        if action is not RelabelAction.REPLACE and "$" in self.target_label:
            raise ValueError(f"the action {action.value} puts no groups into target_label, found {self.target_label!r}")
        if action is RelabelAction.LABELMAP and not self.replacement:
            raise ValueError("expected a label's name in replacement, in which $1 may stand, found an empty text")
        self._check_unused()
        return self

    def _check_unused(self) -> None:
        """Refuse what the action would not look at: whoever wrote it means something else."""
        given = {name for name in self.model_fields_set if getattr(self, name) != type(self).model_fields[name].default}
        if self.action in _ONLY_REGEX and (extra := given - {"regex", "action"}):
            raise ValueError(f"the action {self.action.value} looks at regex only, found {min(extra)}")
        if self.action in _ONLY_LABELS and (extra := given - {"source_labels", "target_label", "action", "separator"}):
            raise ValueError(f"the action {self.action.value} looks at source_labels and target_label only, found {min(extra)}")

    @cached_property
    def pattern(self) -> Pattern:
        """The regex, compiled; to be used with `fullmatch`."""
        return compile_pattern(self.regex)

    def joined(self, labels: Mapping[str, str]) -> str:
        """The text that the rule looks at."""
        return self.separator.join([labels.get(name, "") for name in self.source_labels])


def relabel(labels: Mapping[str, str], rules: Sequence[RelabelRule]) -> dict[str, str] | None:
    """
    The labels after all rules; None when a rule dropped them.

    Args:
        labels: Names with values, `__name__` and temporary labels included.
        rules: In the order in which they run.
    """
    out = {name: value for name, value in labels.items() if value}
    for rule in rules:
        if not _ACTIONS[rule.action](rule, out):
            return None
    return out


def _set(labels: dict[str, str], name: str, value: str) -> None:
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _replace(rule: RelabelRule, labels: dict[str, str]) -> bool:
    match = rule.pattern.fullmatch(rule.joined(labels))
    if match:
        target = expand(rule.target_label, match)
        if target:  # a name that came out empty changes nothing; any other text is a name since Prometheus 3
            _set(labels, target, expand(rule.replacement, match))
    return True


def _hashmod(rule: RelabelRule, labels: dict[str, str]) -> bool:
    """Prometheus takes the last eight bytes of the MD5, big endian; sharding by it must agree between the two."""
    digest = hashlib.md5(rule.joined(labels).encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    labels[rule.target_label] = str(int.from_bytes(digest[8:], "big") % rule.modulus)
    return True


def _labelmap(rule: RelabelRule, labels: dict[str, str]) -> bool:
    for name, value in list(labels.items()):
        match = rule.pattern.fullmatch(name)
        if match:
            target = expand(rule.replacement, match)
            if target:
                _set(labels, target, value)
    return True


def _labeldrop(rule: RelabelRule, labels: dict[str, str]) -> bool:
    for name in [name for name in labels if rule.pattern.fullmatch(name)]:
        del labels[name]
    return True


def _labelkeep(rule: RelabelRule, labels: dict[str, str]) -> bool:
    for name in [name for name in labels if not rule.pattern.fullmatch(name)]:
        del labels[name]
    return True


def _change_case(rule: RelabelRule, labels: dict[str, str]) -> bool:
    joined = rule.joined(labels)
    _set(labels, rule.target_label, joined.lower() if rule.action is RelabelAction.LOWERCASE else joined.upper())
    return True


_ACTIONS: dict[RelabelAction, Callable[[RelabelRule, dict[str, str]], bool]] = {
    RelabelAction.REPLACE: _replace,
    RelabelAction.KEEP: lambda rule, labels: rule.pattern.fullmatch(rule.joined(labels)) is not None,
    RelabelAction.DROP: lambda rule, labels: rule.pattern.fullmatch(rule.joined(labels)) is None,
    RelabelAction.KEEPEQUAL: lambda rule, labels: rule.joined(labels) == labels.get(rule.target_label, ""),
    RelabelAction.DROPEQUAL: lambda rule, labels: rule.joined(labels) != labels.get(rule.target_label, ""),
    RelabelAction.HASHMOD: _hashmod,
    RelabelAction.LABELMAP: _labelmap,
    RelabelAction.LABELDROP: _labeldrop,
    RelabelAction.LABELKEEP: _labelkeep,
    RelabelAction.LOWERCASE: _change_case,
    RelabelAction.UPPERCASE: _change_case,
}
