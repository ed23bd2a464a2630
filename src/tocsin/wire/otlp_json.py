"""
OTLP in JSON, read into the twin messages.

It is protobuf's JSON mapping with OTLP's own exceptions: `traceId`, `spanId` and `parentSpanId` are hexadecimal in either case, enums are
integers only, keys are lowerCamelCase only, unknown keys are ignored. 64-bit integers are decimal strings or numbers, other bytes base64,
doubles may be the strings "NaN", "Infinity", "-Infinity"; null means not set.

The rules are made once from the descriptors of the protobuf messages, so a new field of the protocol needs no change here.

Source: OTLP 1.x, 'JSON Protobuf Encoding'; the ProtoJSON page of the Protocol Buffers documentation.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import orjson

from tocsin.errors import ParseError
from tocsin.model.signal import Signal
from tocsin.wire.twin import UNREDUCED_FIELD, Message, Twin

DEPTH_MAX = 100  # messages within messages, as protobuf parsers allow
HEX_FIELDS = ("trace_id", "span_id", "parent_span_id")
INTEGER_BITS = {"INT32": (32, True), "INT64": (64, True), "UINT32": (32, False), "UINT64": (64, False), "ENUM": (32, True)}

Reader: TypeAlias = "Callable[[Any, str], Any]"
"""Turns a JSON value into a field's value; takes the path too, for the message of the ParseError."""


class OtlpJson:
    """
    Reads OTLP JSON; made once, safe to use from several threads.

    Args:
        twin: The messages to fill.
    """

    def __init__(self, twin: Twin) -> None:
        self._requests = twin.requests
        self._rules: dict[str, dict[str, tuple[Any, Reader | None]]] = {}
        for request in twin.requests.values():
            self._learn(request.DESCRIPTOR)

    def parse(self, signal: Signal, text: bytes) -> Message:
        """
        The request in `text`, as a message of the twin schema.

        Raises:
            ParseError: The text is not JSON, or not such a request; the message names the place.
        """
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ParseError(f"the body is not JSON: {error}", position=error.pos) from error
        return self.convert(signal, document)

    def convert(self, signal: Signal, document: Any) -> Message:
        """The same for JSON that was parsed already."""
        request = self._requests[signal]()
        self._fill(request, document, "", 0)
        return request

    def _learn(self, descriptor: Any) -> None:
        if descriptor.full_name in self._rules:
            return
        rules = self._rules[descriptor.full_name] = {}
        for field in descriptor.fields:
            if field.message_type is not None:
                self._learn(field.message_type)
            if field.number != UNREDUCED_FIELD:
                rules[field.json_name] = (field, _reader(field))

    def _fill(self, message: Message, value: Any, path: str, depth: int) -> None:
        if not isinstance(value, dict):
            raise _mistake(path, "an object", value)
        if depth > DEPTH_MAX:
            raise ParseError(f"{path[:80]}...: nested deeper than {DEPTH_MAX} messages")
        rules = self._rules[message.DESCRIPTOR.full_name]
        for key, content in value.items():
            if content is None or key not in rules:
                continue
            field, read = rules[key]
            place = f"{path}.{key}" if path else key
            if field.is_repeated:
                self._extend(getattr(message, field.name), read, content, place, depth)
            elif read is None:
                part = getattr(message, field.name)
                part.SetInParent()
                self._fill(part, content, place, depth + 1)
            else:
                setattr(message, field.name, read(content, place))

    def _extend(self, target: Any, read: Reader | None, content: Any, path: str, depth: int) -> None:
        if not isinstance(content, list):
            raise _mistake(path, "an array", content)
        for index, item in enumerate(content):
            if read is None:
                self._fill(target.add(), item, f"{path}[{index}]", depth + 1)
            else:
                target.append(read(item, f"{path}[{index}]"))


def _reader(field: Any) -> Reader | None:
    """How a field's value is read; None for messages."""
    if field.message_type is not None:
        return None
    if field.name in HEX_FIELDS:
        return _read_hex
    kind = _KINDS[field.type]
    if kind in INTEGER_BITS:
        return _integer_reader(kind)
    return {"BOOL": _read_bool, "STRING": _read_string, "BYTES": _read_base64, "DOUBLE": _read_double}[kind]


def _integer_reader(kind: str) -> Reader:
    bits, signed = INTEGER_BITS[kind]
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    expected = "an enum's number" if kind == "ENUM" else f"a{'' if signed else 'n unsigned'} {bits}-bit integer"
    text_allowed = kind != "ENUM"

    def read(value: Any, path: str) -> int:
        number = value
        if isinstance(value, str):
            number = int(value) if text_allowed and _DECIMAL.fullmatch(value) else None
        elif isinstance(value, float):
            number = int(value) if value.is_integer() else None
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise _mistake(path, expected, value)
        return number

    return read


def _read_hex(value: Any, path: str) -> bytes:
    try:
        return binascii.unhexlify(value)
    except (TypeError, ValueError) as error:
        raise _mistake(path, "an id in hexadecimal", value) from error


def _read_base64(value: Any, path: str) -> bytes:
    if isinstance(value, str):
        text = value.rstrip("=").translate(_URL_SAFE)
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError:
            pass
    raise _mistake(path, "bytes in base64", value)


def _read_bool(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _mistake(path, "true or false", value)
    return value


def _read_string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _mistake(path, "a string", value)
    return value


def _read_double(value: Any, path: str) -> float:
    if isinstance(value, str):
        if value in _NOT_FINITE:
            return _NOT_FINITE[value]
        try:
            number = float(value) if value.isascii() and "_" not in value else math.nan
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise _mistake(path, "a number", value)


def _mistake(path: str, expected: str, value: Any) -> ParseError:
    found = repr(value)
    return ParseError(f"{path or 'the body'} must be {expected}, found {found if len(found) <= 80 else found[:77] + '...'}")


_DECIMAL = re.compile(r"-?[0-9]{1,20}")
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_URL_SAFE = str.maketrans("-_", "+/")
_KINDS = {  # by the numbers of google.protobuf.FieldDescriptorProto.Type; on the wire the sorts of one width differ, in JSON they don't
    1: "DOUBLE",
    2: "DOUBLE",
    3: "INT64",
    4: "UINT64",
    5: "INT32",
    6: "UINT64",
    7: "UINT32",
    8: "BOOL",
    9: "STRING",
    12: "BYTES",
    13: "UINT32",
    14: "ENUM",
    15: "INT32",
    16: "INT64",
    17: "INT32",
    18: "INT64",
}
