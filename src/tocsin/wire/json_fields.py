"""
Documents of strangers, read field by field: every mistake names the field where it is, `[3].data.subject.id`.

Texts are bounded, and hold neither control characters nor anything that a database refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tocsin.errors import InvalidInput, ParseError
from tocsin.model.instant import parse_instant

SHOWN_CHARACTERS_MAX = 60


def read_json(body: bytes) -> Any:
    """
    What a JSON text says.

    Raises:
        ParseError: It is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"the body is not JSON: {error}", position=error.pos) from error


class Fields:
    """
    An object of a document.

    Args:
        value: What stands there; anything but an object is refused.
        path: Where it stands, empty for the document itself.

    Raises:
        InvalidInput: It is no object.
    """

    def __init__(self, value: Any, path: str = "") -> None:
        if not isinstance(value, Mapping):
            raise InvalidInput(f"{path or 'the body'}: expected an object, found {_shown(value)}")
        self.values: Mapping[str, Any] = value
        self.path = path

    def place(self, name: str) -> str:
        """The path of one of its fields."""
        return f"{self.path}.{name}" if self.path else name

    def child(self, name: str) -> Fields:
        """A field that must be an object."""
        return Fields(self._required(name), self.place(name))

    def optional_child(self, name: str) -> Fields:
        """A field that is an object, or missing (then an empty one)."""
        value = self.values.get(name)
        return Fields({} if value is None else value, self.place(name))

    def text(self, name: str, *, longest: int) -> str:
        """
        A text that must be there, without blanks around it.

        Raises:
            InvalidInput: It is missing, empty, no text, longer than `longest` characters, or has control characters.
        """
        text = self._text(name, self._required(name), longest)
        if not text:
            raise InvalidInput(f"{self.place(name)}: expected a text, found an empty one")
        return text

    def optional_text(self, name: str, *, longest: int) -> str:
        """The same, empty where it is missing or null."""
        value = self.values.get(name)
        return "" if value is None else self._text(name, value, longest)

    def prose(self, name: str, *, longest: int) -> str:
        """A text for people, empty where there is none: control characters become blanks, what is longer is cut."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return ""
        return "".join(char if char.isprintable() else " " for char in value[:longest]).strip()

    def instant(self, name: str) -> int:
        """
        An instant as RFC 3339 says it, nanoseconds since 1970.

        Raises:
            InvalidInput: It is missing, or none.
        """
        try:
            return parse_instant(self.text(name, longest=64))
        except InvalidInput as error:
            message = str(error)
            raise InvalidInput(message if message.startswith(self.place(name)) else f"{self.place(name)}: {message}") from error

    def _required(self, name: str) -> Any:
        if self.values.get(name) is None:
            raise InvalidInput(f"{self.place(name)} is missing")
        return self.values[name]

    def _text(self, name: str, value: Any, longest: int) -> str:
        if not isinstance(value, str):
            raise InvalidInput(f"{self.place(name)}: expected a text, found {_shown(value)}")
        return checked_text(value, self.place(name), longest=longest)


def checked_text(text: str, place: str, *, longest: int) -> str:
    """
    The text without blanks around it.

    Raises:
        InvalidInput: It is longer than `longest` characters, or has characters that can't be printed.
    """
    text = text.strip()
    if len(text) > longest:
        raise InvalidInput(f"{place}: expected at most {longest} characters, found {len(text)}")
    if not text.isprintable():
        raise InvalidInput(f"{place}: expected a text without control characters, found {_shown(text)}")
    return text


def _shown(value: Any) -> str:
    if value is None or isinstance(value, list | Mapping):
        return {list: "an array", type(None): "null"}.get(type(value), "an object")
    return repr(value)[:SHOWN_CHARACTERS_MAX]
