"""
People and the ways to reach them.

    apiVersion: tocsin/v1
    kind: Person
    metadata: {name: ana, displayName: Ana Ruiz}
    spec:
      role: payments engineer
      email: ana@example.org
      timeZone: Europe/Berlin
      channels:                                       # in this order
        - {slack: {channel: "@ana"}, when: [{days: weekdays, from: "09:00", to: "18:00"}]}
        - {pagerduty: {routing_key_file: secrets/ana-pagerduty}}
        - {email: ana@example.org}

Secrets stand in files (`..._file`) or in the environment (`..._env`), never here: these files are shared and reviewed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tocsin.oncall.definition import Contact, Person
from tocsin.oncall.files.week import read_hours, read_zone
from tocsin.slo.files.objects import FileObject
from tocsin.slo.files.parts import Part, Sort

PERSON_FIELDS = ("role", "email", "timeZone", "channels")
ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")


@dataclass(frozen=True, slots=True)
class ContactKind:
    """
    What a way to reach somebody may say.

    Args:
        settings: Plain ones, as Alertmanager calls them.
        secrets: Those that only a file or the environment may hold.
        needed: One of these, in whatever form, must be there; empty when the routing configuration gives what is missing.
    """

    settings: tuple[str, ...]
    secrets: tuple[str, ...]
    needed: tuple[str, ...] = ()


CONTACT_KINDS = {
    "slack": ContactKind(("channel", "username"), ("api_url",)),
    "email": ContactKind(("to",), (), ("to",)),
    "webhook": ContactKind(("url",), ("url",), ("url",)),
    "pagerduty": ContactKind(("url",), ("routing_key",), ("routing_key",)),
    "opsgenie": ContactKind(("api_url",), ("api_key",)),
}


def read_person(item: FileObject) -> Person:
    """An object of kind Person."""
    fields = item.spec.fields("a Person", PERSON_FIELDS)
    name = item.metadata.name
    zone = fields.optional("timeZone")
    email = fields.text("email")
    if email and not ADDRESS.fullmatch(email):
        fields.found["email"].wrong(f"expected an address such as ana@example.org, found {fields.found['email'].shown}")
    contacts = _contacts(fields.elements("channels", "channels"))
    if not contacts and email:
        contacts = (Contact("email", 0, {"to": email}),)
    if not contacts:
        fields.wrong(f"nobody can reach {name!r}: a Person needs 'channels', or an 'email'")
    if zone is None:
        item.part.remark(f"a Person without 'timeZone' sleeps by UTC; say where {name!r} is")
    return Person(
        name, read_zone(zone) if zone is not None else "UTC", contacts, item.metadata.title, fields.text("role"), email, str(item.place)
    )


def _contacts(parts: list[Part]) -> tuple[Contact, ...]:
    counts: Counter[str] = Counter()
    found = []
    for part in parts:
        fields = part.fields("a channel", (*CONTACT_KINDS, "when"))
        kind = fields.one_of(tuple(CONTACT_KINDS), "how the person is reached")
        if not kind:
            continue
        when = fields.optional("when")
        hours = read_hours(when.items if when.sort is Sort.LIST else [when]) if when is not None else ()
        settings, files, variables = _settings(fields.found[kind], kind)
        found.append(Contact(kind, counts[kind], settings, files, variables, hours))
        counts[kind] += 1
    return tuple(found)


def _settings(part: Part, kind: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    known = CONTACT_KINDS[kind]
    if kind == "email" and part.sort is Sort.SCALAR and not part.is_null:
        return {"to": _address(part)}, {}, {}
    from_files, from_environment = {f"{name}_file": name for name in known.secrets}, {f"{name}_env": name for name in known.secrets}
    # A bare secret is known, so that it is told where it belongs rather than that it is unknown.
    fields = part.fields(
        f"a channel of kind {kind}", tuple(dict.fromkeys((*known.settings, *from_files, *from_environment, *known.secrets)))
    )
    for name in known.secrets:
        if name in fields and name not in known.settings:
            fields.found[name].notes.mistake(
                fields.found[name].place, f"{name} is a secret; write {name}_file with a path, or {name}_env with the name of a variable"
            )
    settings = {name: fields.text(name) for name in known.settings if name in fields}
    files = {name: _beside(fields.found[key]) for key, name in from_files.items() if key in fields}
    variables = {name: fields.text(key) for key, name in from_environment.items() if key in fields}
    for name in known.needed:
        if name not in {*settings, *files, *variables, *fields.found}:
            ways = [*([name] if name in known.settings else []), *([f"{name}_file", f"{name}_env"] if name in known.secrets else [])]
            fields.wrong(f"a channel of kind {kind} needs {' or '.join(ways)}")
    if kind == "email" and "to" in fields:
        settings["to"] = _address(fields.found["to"])
    return settings, files, variables


def _address(part: Part) -> str:
    text = part.text("an address")
    if not ADDRESS.fullmatch(text):
        part.wrong(f"expected an address such as ana@example.org, found {part.shown}")
    return text


def _beside(part: Part) -> str:
    """A path; a relative one begins at the folder of the file that names it."""
    return str(Path(part.place.path).parent / part.text("a path"))
