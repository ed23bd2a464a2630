"""
Rule files, read and checked: Prometheus' groups and our own kinds, in any mixture, over any number of files.

    groups: [...]                                 a document of a Prometheus rule file
    ---
    apiVersion: tocsin/v1                         an object of ours, see `own_rules`
    kind: AlertRule

What a document is shows in its form. Every mistake of every file is found at once, with its line; a file with one gives no groups.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.alert.definition import AlertRule, RuleGroup
from tocsin.alert.files.conditions import Known
from tocsin.alert.files.own_rules import VERSION, read_object
from tocsin.alert.files.prometheus import group_of
from tocsin.alert.template.rule_functions import rule_template_mistake
from tocsin.model.spelling import did_you_mean
from tocsin.query.rule_files import read_rule_text
from tocsin.slo.files.notes import Mistake, Notes, Place
from tocsin.slo.files.parts import Part, Sort
from tocsin.slo.files.yaml_reading import read_documents

OWN_GROUP = "rules"  # of a file's rules that stand alone
SLO_VERSIONS = ("openslo/v1", "prometheus/v1", "sloth.slok.dev/v1")
_DOCUMENT = re.compile(r"---(\s|$)")


@dataclass(frozen=True, slots=True)
class FileRules:
    """
    What one file says.

    Args:
        path: The file.
        groups: Its groups, in order; none when something is wrong.
        mistakes: What is wrong, by place.
        remarks: What is probably not meant.
    """

    path: Path
    groups: tuple[RuleGroup, ...]
    mistakes: tuple[Mistake, ...] = ()
    remarks: tuple[str, ...] = ()


def read_rule_files(paths: Sequence[Path], known: Known, *, interval_s: float) -> list[FileRules]:
    """
    What files say, each by itself.

    Args:
        paths: The files; one that is named twice is read once.
        known: Objectives and what is switched on.
        interval_s: Between evaluations, for groups that say nothing.
    """
    return [read_one(path, known, interval_s=interval_s) for path in dict.fromkeys(paths)]


def read_one(path: Path, known: Known, *, interval_s: float) -> FileRules:
    """What one file says."""
    notes = Notes()
    if not path.is_file():
        notes.mistake(Place(str(path)), "no file is called so; mend the path, or take it out of rules.files")
    documents = read_documents(path, notes) if path.is_file() else []
    groups: list[RuleGroup] = []
    alone: list[AlertRule] = []
    for document in documents:
        if _is_prometheus(document):
            groups += _prometheus(document, path, known, notes, interval_s)
        elif _is_own(document):
            rules, own_groups = read_object(document, known, interval_s=interval_s)
            alone, groups = [*alone, *rules], [*groups, *own_groups]
    if alone:
        groups.append(RuleGroup(OWN_GROUP, str(path), tuple(alone), interval_s))
    _check_names(groups, alone, path, notes)
    mistakes = tuple(sorted(set(notes.mistakes)))
    return FileRules(path, () if mistakes else tuple(groups), mistakes, tuple(notes.remarks))


def has_own_rules(path: Path) -> bool:
    """Whether a file holds an object of ours; one that can't be read does not."""
    try:
        documents = read_documents(path, Notes())
    except OSError:
        return False
    return any(key.value == "apiVersion" for document in documents for key, _ in document.pairs)


def _is_prometheus(document: Part) -> bool:
    keys = {key.value for key, _ in document.pairs}
    return "groups" in keys and "apiVersion" not in keys


def _is_own(document: Part) -> bool:
    """Whether an object is one of ours; notes what it is otherwise."""
    if document.sort is not Sort.MAPPING:
        if not document.is_null:
            document.wrong(f"expected Prometheus' 'groups', or an object with apiVersion: {VERSION}; found {document.shown}")
        return False
    top = {key.value: value for key, value in document.pairs if key.sort is Sort.SCALAR}
    version = top.get("apiVersion") or top.get("version")
    if version is None:
        near = next((hint for key in top if (hint := did_you_mean(key, ("groups", "apiVersion")))), "")
        document.wrong(f"expected 'groups' as in Prometheus' rule files, or apiVersion: {VERSION}; found neither{near}")
    elif version.text() in SLO_VERSIONS:
        version.wrong(f"objects of {version.shown} are SLOs and belong into the files of slo.files; rule files have alerts")
    elif version.text() != VERSION:
        version.wrong(f"expected apiVersion: {VERSION}, found {version.shown}{did_you_mean(version.text(), (VERSION,))}")
    else:
        return True
    return False


def _prometheus(document: Part, path: Path, known: Known, notes: Notes, interval_s: float) -> list[RuleGroup]:
    """The groups of a document, read by the reader that `tocsin check` uses too; lines are those of the file."""
    groups, mistakes = read_rule_text(_document_text(path, document.place.line), known.promql, rule_template_mistake)
    for mistake in mistakes:
        notes.mistakes.append(Mistake(str(path), mistake.line, mistake.column, mistake.message))
    return [group_of(group, str(path), interval_s=interval_s) for group in groups]


def _document_text(path: Path, line: int) -> str:
    """The text of the document that a line lies in, with empty lines in place of those before it."""
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    marks = [0, *(number for number, text in enumerate(lines) if _DOCUMENT.match(text)), len(lines)]
    start = max(mark for mark in marks[:-1] if mark < line)
    end = min((mark for mark in marks if mark >= line), default=len(lines))
    kept = [_DOCUMENT.sub("", text, count=1) if number == start else text for number, text in enumerate(lines)]
    return "\n" * start + "\n".join(kept[start:end])


def _check_names(groups: Sequence[RuleGroup], alone: Sequence[AlertRule], path: Path, notes: Notes) -> None:
    """Names of groups are unique in a file, and so are those of rules that stand alone."""
    seen: set[str] = set()
    for group in groups:
        if group.name in seen:
            hint = f"; {OWN_GROUP!r} is the group of all rules of kind AlertRule" if group.name == OWN_GROUP and alone else ""
            notes.mistake(Place(str(path)), f"two groups are called {group.name!r}; names of groups are unique in a file{hint}")
        seen.add(group.name)
    names: dict[str, str] = {}
    for rule in alone:
        if rule.name in names:
            line = int(rule.place.rpartition(":")[2])
            notes.mistake(Place(str(path), line, 1), f"another AlertRule is called {rule.name!r}, in {names[rule.name]}")
        names.setdefault(rule.name, rule.place)
