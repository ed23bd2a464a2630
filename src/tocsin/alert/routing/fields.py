"""
Values of an Alertmanager's file: durations, matchers, names of labels, addresses, secrets, and tables of them.

A reader takes a part of the file and gives a value; it notes what is wrong and goes on. What may be a secret is repeated in no message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from tocsin.alert.routing.matchers import is_classic, parse_matchers
from tocsin.errors import InvalidInput
from tocsin.model.pattern import check_pattern
from tocsin.model.series import Matcher, MatchOperator
from tocsin.query.promql.durations import parse_duration_ms
from tocsin.slo.files.parts import Fields, Part, Sort

SECRET_BYTES_MAX = 64 << 10

Reader: TypeAlias = Callable[[Part], Any]
T = TypeVar("T")

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SMARTHOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*):([0-9A-Za-z-]+)")


def mapping(part: Part, what: str, known: Sequence[str]) -> Fields:
    """A mapping whose keys are known; what stands there in its place is not repeated."""
    if part.sort is not Sort.MAPPING and not part.is_null:
        part.wrong(f"expected {what} as {Sort.MAPPING.value}, found {_sort(part)}")
        return Fields(part, what, {})
    return part.fields(what, known)


def elements(part: Part | None, what: str) -> list[Part]:
    """The elements of a list; what stands there in its place is not repeated."""
    if part is None or part.is_null:
        return []
    if part.sort is not Sort.LIST:
        part.wrong(f"expected a list of {what}, found {_sort(part)}; write each after a '-'")
        return []
    for item in part.items:
        if item.is_null:
            item.wrong(f"a list of {what} has an element without anything in it")
    return part.items


def values(fields: Fields, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """What stands in the fields, read; fields where nothing stands are left out."""
    return {name: readers[name](part) for name, part in fields.found.items() if name in readers and not part.is_null}


def template(part: Part) -> str:
    """A text as it stands, spaces and line feeds too: whoever sends fills it in."""
    if part.sort is not Sort.SCALAR:
        part.wrong(f"expected a text, found {_sort(part)}")
        return ""
    return part.value


def flag(part: Part) -> bool:
    """True or false."""
    return part.flag()


def texts(part: Part) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(template(item) for item in elements(part, "texts"))


def text_map(part: Part) -> dict[str, str]:
    """Names with texts."""
    if part.sort is not Sort.MAPPING:
        part.wrong(f"expected {Sort.MAPPING.value}, found {_sort(part)}")
        return {}
    return {key.value: template(value) for key, value in part.entries("this")}


def tree(part: Part) -> Any:
    """Whatever stands there as mappings, lists and texts."""
    if part.sort is Sort.MAPPING:
        return {key.value: tree(value) for key, value in part.entries("this")}
    if part.sort is Sort.LIST:
        return [tree(item) for item in part.items]
    return part.value


def whole_number(part: Part) -> int:
    """A number from 0 without decimals."""
    number = part.number()
    if number < 0 or number != int(number):
        part.wrong(f"expected a whole number from 0, found {part.shown}")
        return 0
    return int(number)


def duration_s(part: Part) -> float:
    """A length of time as Prometheus writes it, `1h30m`, in seconds."""
    text = part.text("a length of time such as 30s, 5m or 1h30m")
    if text == "0":
        return 0.0
    try:
        return parse_duration_ms(text) / 1000
    except InvalidInput:
        if part.sort is Sort.SCALAR:
            part.wrong(f"expected a length of time such as 30s, 5m or 1h30m, found {part.shown}")
        return 1.0


def positive_duration_s(part: Part) -> float:
    """The same, longer than 0."""
    length = duration_s(part)
    if length <= 0:
        part.wrong("expected a length of time above 0, found 0")
        return 1.0
    return length


def matchers(part: Part) -> tuple[Matcher, ...]:
    """A list of texts, each with matchers in either notation."""
    found: list[Matcher] = []
    for item in elements(part, "matchers"):
        text = template(item)
        try:
            found += parse_matchers(text)
        except InvalidInput as error:
            item.wrong(str(error))
            continue
        if is_classic(text):
            item.remark("these matchers are in a notation that Alertmanager means to give up; put the values into double quotes")
    return tuple(found)


def equal_matchers(part: Part) -> tuple[Matcher, ...]:
    """`match`: names with the values that they must have."""
    return tuple(Matcher(name, MatchOperator.EQUAL, value) for name, value in _by_label(part))


def regex_matchers(part: Part) -> tuple[Matcher, ...]:
    """`match_re`: names with the regular expressions that must match their whole values."""
    found = []
    for name, value in _by_label(part):
        try:
            check_pattern(value)
        except InvalidInput as error:
            part.wrong(f"the value of {name!r} is no regular expression that RE2 takes: {error}")
            continue
        found.append(Matcher(name, MatchOperator.REGEX, value))
    return tuple(found)


def label_names(part: Part) -> tuple[str, ...]:
    """A list of names of labels; any text but an empty one is a name."""
    names = []
    for item in elements(part, "names of labels"):
        name = template(item)
        if not name:
            item.wrong("expected the name of a label, found nothing")
        names.append(name)
    return tuple(names)


def url(part: Part) -> str:
    """An address that begins with http:// or https://; it is not repeated in messages, since it may hold a password."""
    text = template(part)
    if not _is_url(text):
        part.wrong("expected an address that begins with http:// or https:// and names a host, found another text, not shown here")
    return text


def secret(part: Part) -> SecretStr:
    """A text that never prints."""
    return SecretStr(template(part))


def secret_url(part: Part) -> SecretStr:
    """An address that never prints."""
    return SecretStr(url(part))


def secret_url_template(part: Part) -> SecretStr:
    """An address that never prints, or a template of one."""
    return secret(part) if "{{" in part.value else secret_url(part)


def secret_file(part: Part) -> SecretStr:
    """What a file holds, without spaces around it; its path is absolute, or starts where the configuration lies."""
    path = path_of(part)
    try:
        with Path(path).open("rb") as file:
            raw = file.read(SECRET_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        part.wrong(f"the file {part.shown} can't be read: {getattr(error, 'strerror', None) or error}")
        return SecretStr("?")
    if len(raw) > SECRET_BYTES_MAX:
        part.wrong(f"the file {part.shown} is larger than {SECRET_BYTES_MAX >> 10} KiB, which no secret is")
    try:
        found = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        part.wrong(f"the file {part.shown} is not UTF-8")
        return SecretStr("?")
    if not found:
        part.wrong(f"the file {part.shown} is empty")
    return SecretStr(found)


def path_of(part: Part) -> str:
    """A path, absolute or from where the configuration lies."""
    text = template(part)
    return str(Path(part.place.path).parent / text) if text else ""


def smarthost(part: Part) -> str:
    """`host:port`."""
    text = part.text("host:port")
    if text and not _SMARTHOST.fullmatch(text):
        part.wrong(f"expected host:port such as mail.example:587, found {part.shown}")
    return text


def choice(*known: str) -> Reader:
    """One of several words."""
    return lambda part: part.choice(known)


def one_of(fields: Fields, first: str, second: str) -> None:
    """Note a mistake where two fields stand that say the same thing."""
    if first in fields and second in fields:
        fields.found[second].wrong(f"{fields.what} takes {first} or {second}, found both")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.netloc)
    except ValueError:
        return False


def _by_label(part: Part) -> list[tuple[str, str]]:
    found = []
    if part.sort is not Sort.MAPPING:
        part.wrong(f"expected names of labels with values, found {_sort(part)}")
        return []
    for key, value in part.entries("this"):
        if not _LABEL.fullmatch(key.value):
            key.wrong(f"expected the name of a label (letters, digits, _), found {key.shown}")
        found.append((key.value, template(value)))
    return found


def _sort(part: Part) -> str:
    return str(part.sort.value)
