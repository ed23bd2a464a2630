"""
The templates in the labels and annotations of alerting rules: read far enough to find what can never be filled in.

    {{ $labels.instance }} is at {{ $value | humanizePercentage }}

Actions must close, blocks must end, and every bare word must be a keyword or a function that Prometheus or Go's templates know. Nothing
is filled in here.
Source: Prometheus documentation, 'Template reference'; Go documentation, package text/template.
"""

from __future__ import annotations

import re

BLOCKS = frozenset({"if", "range", "with", "define", "block"})
KEYWORDS = BLOCKS | {"else", "end", "template", "break", "continue", "nil", "true", "false"}
# A word per line would hide them.
# fmt: off
GO_FUNCTIONS = frozenset({
    "and", "call", "html", "index", "slice", "js", "len", "not", "or", "print", "printf", "println", "urlquery", "eq", "ne", "lt",
    "le", "gt", "ge",
})
FUNCTIONS = frozenset({
    "query", "first", "label", "value", "strvalue", "sortByLabel", "humanize", "humanize1024", "humanizeDuration",
    "humanizePercentage", "humanizeTimestamp", "toTime", "title", "toUpper", "toLower", "stripPort", "match", "reReplaceAll",
    "graphLink", "tableLink", "parseDuration", "stripDomain", "args", "safeHtml", "externalURL", "pathPrefix",
})
# fmt: on
ACTION = re.compile(r"\{\{-?\s*(?P<comment>/\*.*?\*/)?(?P<inside>(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|[^\"`])*?)-?\}\}", re.DOTALL)
QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|`[^`]*`|'(?:\\.|[^'\\])*'")
WORD = re.compile(r"(?<![\w.$])[A-Za-z_]\w*")


def template_mistake(text: str) -> str:
    """What is wrong with a template, as a part of a sentence; empty when nothing is."""
    rest = ACTION.sub("", text)
    if "{{" in rest:
        return f"an action is not closed: {rest[rest.index('{{') :][:80]!r}"
    depth = 0
    for action in ACTION.finditer(text):
        words = WORD.findall(QUOTED.sub(" ", action["inside"]))
        unknown = [word for word in words if word not in KEYWORDS and word not in FUNCTIONS and word not in GO_FUNCTIONS]
        if unknown:
            return f"no function is called {unknown[0][:80]!r}"
        first = words[0] if words else ""
        depth += (first in BLOCKS) - (first == "end")
        if depth < 0:
            return "an {{ end }} ends nothing"
    return "a block has no {{ end }}" if depth else ""
