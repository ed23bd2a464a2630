"""
Functions on texts that both Prometheus and Alertmanager give their templates.

Source: Prometheus documentation, 'Template reference', 'Strings'; Alertmanager documentation, 'Notification template reference'.
"""

from __future__ import annotations

import re

from tocsin.alert.template.printing import PRINTED_CHARS_MAX
from tocsin.model.pattern import compile_pattern

_WORD_START = re.compile(r"(?<![\w'])\w")


def title(text: str) -> str:
    """The first letter of each word large."""
    return _WORD_START.sub(lambda found: found[0].upper() if len(found[0].upper()) == 1 else found[0], text)


def match(pattern: str, text: str) -> bool:
    """Whether a pattern (RE2) matches anywhere in a text."""
    return compile_pattern(pattern, dot_takes_lines=False).search(text) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """
    All matches of a pattern (RE2) replaced; `$1` and `${name}` stand for its groups.

    Raises:
        InvalidInput: The pattern does not read, LimitExceeded: the result is too long.
    """
    return compile_pattern(pattern, dot_takes_lines=False).replace_all(replacement, text, chars_max=PRINTED_CHARS_MAX)
