"""
Which rule is which, when files are edited or the process starts anew.

A rule is the same when it asks the same (`content`). One whose expression alone was edited goes on with its alerts (`family`: group, name
and labels), as in Prometheus; so a threshold is changed without an alert ending and beginning again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.alert.definition import AlertRule, Promql, Rule, RuleGroup

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """Names of a rule: `family` stays when its expression is edited, `content` does not. Both are unique in their group."""

    family: str
    content: str


def identities(group: RuleGroup) -> list[Identity]:
    """Of each rule of a group, in its order; of rules that are alike in every respect, the second has a number."""
    seen: Counter[str] = Counter()
    found = []
    for rule in group.rules:
        kind = "alert" if isinstance(rule, AlertRule) else "record"
        family = _digest((group.key, kind, rule.name, *sorted(f"{name}={value}" for name, value in rule.labels.items())))
        content = _digest((family, _asked(rule)))
        names = []
        for name in (family, content):
            names.append(f"{name}.{seen[name]}" if seen[name] else name)
            seen[name] += 1
        found.append(Identity(*names))
    return found


def _asked(rule: Rule) -> str:
    # The tree knows where it stood in the text; the text says all that it asks.
    return rule.condition.text if isinstance(rule.condition, Promql) else repr(rule.condition)


def _digest(parts: Sequence[str]) -> str:
    text = b"".join(part.encode("utf-8", "surrogatepass") + b"\xff" for part in parts)
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest()
