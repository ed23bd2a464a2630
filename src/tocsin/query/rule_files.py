"""
Prometheus rule files: read, and checked as promtool checks them.

    groups:
      - name: shop
        interval: 30s
        rules:
          - record: service:requests:rate5m
            expr: sum by (service) (rate(http_requests_total[5m]))
          - alert: ManyErrors
            expr: service:errors:ratio5m > 0.05
            for: 5m
            labels: {severity: page}
            annotations: {summary: "{{ $labels.service }} fails"}

Every mistake of a file is found at once, with its line and column. Nothing is evaluated here, and templates are read by whoever fills them
in.
Source: Prometheus documentation, 'Recording rules' and 'Alerting rules'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from tocsin.errors import InvalidInput, NotFound
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.query.promql.durations import parse_duration_ms
from tocsin.query.promql.features import check_features
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.parser import parse
from tocsin.query.promql.syntax import Expression

TemplateCheck: TypeAlias = Callable[[str], str]  # what is wrong with a template, as a part of a sentence; empty when nothing is

SIZE_BYTES_MAX = 16 << 20
GROUP_KEYS = ("name", "interval", "query_offset", "limit", "labels", "rules")
RULE_KEYS = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
DURATION_KEYS = ("interval", "query_offset", "for", "keep_firing_for")
ALERT_ONLY = ("for", "keep_firing_for", "annotations")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a file: line and column from 1 (0 without one), and a sentence."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.message}" if self.line else self.message


class RuleFileMistakes(InvalidInput):
    """A rule file that can't be used; `mistakes` has all of them."""

    def __init__(self, path: Path, mistakes: list[Mistake]) -> None:
        super().__init__(f"{path}: " + "; ".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Rule:
    """
    A recording rule (`record`) or an alerting rule (`alert`); the other of the two names is empty.

    Args:
        record: Name of the metric that is recorded.
        alert: Name of the alert.
        text: The expression as written.
        expression: The expression as a tree.
        for_ms: How long it must hold before the alert fires, milliseconds.
        keep_firing_for_ms: How long the alert fires on after it no longer holds, milliseconds.
        labels: Added to what it finds; templates in an alert's.
        annotations: Texts with templates.
        line: Where it stands.
    """

    record: str
    alert: str
    text: str
    expression: Expression
    for_ms: int = 0
    keep_firing_for_ms: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """
    Rules that are evaluated one after another.

    Args:
        name: Unique in its file.
        rules: In order.
        interval_ms: Between evaluations, milliseconds; None: the server's.
        query_offset_ms: How far in the past they are evaluated, milliseconds; None: the server's.
        limit: Series or alerts that a rule may make, 0 for any number.
        labels: Added to those of every rule.
    """

    name: str
    rules: tuple[Rule, ...]
    interval_ms: int | None = None
    query_offset_ms: int | None = None
    limit: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


def read_rule_file(path: Path, promql: PromqlOptions | None = None, template_mistake: TemplateCheck | None = None) -> list[RuleGroup]:
    """
    The groups of a file.

    Args:
        path: The file.
        promql: What is switched on, for the expressions.
        template_mistake: Reads the templates in labels and annotations of alerts; without it they are taken as they are.

    Raises:
        NotFound: There is no such file, or it can't be read.
        RuleFileMistakes: Something in it is wrong; all of it is said.
    """
    try:
        if path.stat().st_size > SIZE_BYTES_MAX:
            raise RuleFileMistakes(path, [Mistake(0, 0, f"the file is larger than {SIZE_BYTES_MAX} bytes")])
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RuleFileMistakes(path, [Mistake(0, 0, "the file is not UTF-8")]) from error
    except OSError as error:
        raise NotFound(f"the rule file {path} can't be read: {error.strerror}") from error
    groups, mistakes = read_rule_text(text, promql, template_mistake)
    if mistakes:
        raise RuleFileMistakes(path, mistakes)
    return groups


def read_rule_text(
    text: str, promql: PromqlOptions | None = None, template_mistake: TemplateCheck | None = None
) -> tuple[list[RuleGroup], list[Mistake]]:
    """The groups of one YAML document, and what is wrong with it; like `read_rule_file`."""
    reading = _Reading(promql or PromqlOptions(), template_mistake or (lambda _: ""))
    return reading.groups(text), reading.mistakes


def duplicates(groups: list[RuleGroup]) -> list[tuple[str, Labels]]:
    """Names with labels that several rules make: what they write would be mixed up."""
    counted = Counter((rule.record or rule.alert, Labels({**group.labels, **rule.labels})) for group in groups for rule in group.rules)
    return [made for made, count in counted.items() if count > 1]


class _Reading:
    """Walks the nodes of a file; keeps what is wrong with them."""

    def __init__(self, promql: PromqlOptions, template_mistake: TemplateCheck) -> None:
        self.mistakes: list[Mistake] = []
        self._template_mistake = template_mistake
        self._promql = promql

    def groups(self, text: str) -> list[RuleGroup]:
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            self.mistakes.append(Mistake(mark.line + 1 if mark else 0, mark.column + 1 if mark else 0, f"not YAML: {error.problem}"))
            return []
        except (yaml.YAMLError, RecursionError) as error:
            self.mistakes.append(Mistake(0, 0, f"not YAML: {error}"))
            return []
        if root is None:
            return []
        found = [self._group(node) for node in self._list(self._mapping(root, ("groups",), "the file").get("groups"), "groups")]
        groups = [group for group in found if group is not None]
        for name, count in Counter(group.name for group in groups).items():
            if count > 1:
                self._say(root, f'groupname: "{name}" is repeated in the same file')
        return groups

    def _group(self, node: yaml.Node) -> RuleGroup | None:
        parts = self._mapping(node, GROUP_KEYS, "a group")
        name = self._text(parts.get("name"))
        if not name:
            self._say(node, "a group needs a name")
        rules = [self._rule(name, place, rule) for place, rule in enumerate(self._list(parts.get("rules"), "rules"), 1)]
        limit = self._text(parts.get("limit")) or "0"
        if not limit.isdecimal():
            self._say(parts["limit"], f"limit: expected a number of at least 0, found {limit[:40]!r}")
        durations = self._durations(parts)
        return RuleGroup(
            name,
            tuple(rule for rule in rules if rule is not None),
            interval_ms=durations.get("interval"),
            query_offset_ms=durations.get("query_offset"),
            limit=int(limit) if limit.isdecimal() else 0,
            labels=self._labels(parts.get("labels"), where=f'group "{name}"'),
        )

    def _rule(self, group: str, place: int, node: yaml.Node) -> Rule | None:
        parts = self._mapping(node, RULE_KEYS, "a rule")
        record, alert, text = (self._text(parts.get(key)) for key in ("record", "alert", "expr"))
        where = f'group "{group}", rule {place}, "{record or alert}"'
        if bool(record) == bool(alert):
            self._say(node, f"{where}: exactly one of 'record' and 'alert' must be set")
        if record and ("{" in record or "}" in record):
            self._say(parts["record"], f"{where}: braces in a recorded name are most likely a mistake: {record!r}")
        for key in ALERT_ONLY:
            if record and key in parts:
                self._say(parts[key], f"{where}: invalid field '{key}' in recording rule")
        labels = self._labels(parts.get("labels"), where=where)
        annotations = self._labels(parts.get("annotations"), where=where, what="annotation")
        if alert:
            self._check_templates(parts.get("labels"), f"{where}: label")
            self._check_templates(parts.get("annotations"), f"{where}: annotation")
        durations = self._durations(parts)
        expression = self._expression(parts.get("expr"), node, text, where)
        if expression is None:
            return None
        for_ms, keep_ms = durations.get("for", 0), durations.get("keep_firing_for", 0)
        return Rule(record, alert, text, expression, for_ms, keep_ms, labels, annotations, node.start_mark.line + 1)

    def _expression(self, node: yaml.Node | None, rule: yaml.Node, text: str, where: str) -> Expression | None:
        if not text:
            self._say(node or rule, f"{where}: field 'expr' must be set in rule")
            return None
        try:
            expression = parse(text)
            check_features(expression, self._promql)
        except InvalidInput as error:
            self._say(node or rule, f"{where}: could not parse expression: {error}")
            return None
        return expression

    def _durations(self, parts: Mapping[str, yaml.Node]) -> dict[str, int]:
        found = {}
        for key in DURATION_KEYS:
            if key in parts:
                try:
                    found[key] = parse_duration_ms(self._text(parts[key]))
                except InvalidInput as error:
                    self._say(parts[key], f"{key}: {error}")
        return found

    def _labels(self, node: yaml.Node | None, *, where: str, what: str = "label") -> dict[str, str]:
        """Names may be any text, as everywhere since Prometheus 3; a rule's metric is named by `record` alone."""
        found = {}
        for key, value in self._pairs(node, f"{what}s"):
            name = self._text(key)
            if not name or (what == "label" and name == METRIC_NAME):
                self._say(key, f"{where}: invalid {what} name: {name!r}")
            found[name] = self._text(value)
        return found

    def _check_templates(self, node: yaml.Node | None, where: str) -> None:
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(value, yaml.ScalarNode) and (mistake := self._template_mistake(str(value.value))):
                self._say(value, f'{where} "{key.value}": {mistake}')

    def _mapping(self, node: yaml.Node, allowed: tuple[str, ...], what: str) -> dict[str, yaml.Node]:
        found: dict[str, yaml.Node] = {}
        for key, value in self._pairs(node, what):
            name = self._text(key)
            if name not in allowed:
                self._say(key, f"{what} has no field {name[:40]!r}; it may have {', '.join(allowed)}")
            elif name in found:
                self._say(key, f"{name!r} stands here twice")
            found[name] = value
        return found

    def _pairs(self, node: yaml.Node | None, what: str) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        if isinstance(node, yaml.MappingNode):
            yield from node.value
        elif node is not None and not _is_null(node):
            self._say(node, f"{what} must be a mapping of names to values")

    def _list(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        if node is not None and not _is_null(node):
            self._say(node, f"{what} must be a list")
        return []

    def _text(self, node: yaml.Node | None) -> str:
        if node is None or _is_null(node):
            return ""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self._say(node, "expected a text or a number")
        return ""

    def _say(self, node: yaml.Node, message: str) -> None:
        self.mistakes.append(Mistake(node.start_mark.line + 1, node.start_mark.column + 1, message))


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
