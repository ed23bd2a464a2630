"""
The parts of Prometheus' protobuf exposition that are read in Python: heads of families and labels of series that are new, exemplars, and
native histograms.

Texts are declared as bytes, so that we say ourselves what is wrong with one that is not UTF-8. What is not declared is passed over.

Source: Prometheus, client_model `metrics.proto`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

Message = Any
"""A message whose class is made at run time, so its fields have no static types."""

_PACKAGE = "tocsin.exposition"
_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "bytes": _FIELD.TYPE_BYTES,
    "double": _FIELD.TYPE_DOUBLE,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "uint64": _FIELD.TYPE_UINT64,
    "uint32": _FIELD.TYPE_UINT32,
    "sint32": _FIELD.TYPE_SINT32,
    "sint64": _FIELD.TYPE_SINT64,
}

# Message: "name type number", `*` for repeated ones.
_SCHEMA: dict[str, tuple[str, ...]] = {
    "Label": ("name bytes 1", "value bytes 2"),
    "Family": ("name bytes 1", "help bytes 2", "type int32 3", "unit bytes 5"),
    "Metric": ("label Label* 1",),
    "Time": ("seconds int64 1", "nanos int32 2"),
    "Exemplar": ("label Label* 1", "value double 2", "timestamp Time 3"),
    "Bucket": ("exemplar Exemplar 3",),
    "Span": ("offset sint32 1", "length uint32 2"),
    "Histogram": (
        "sample_count uint64 1",
        "sample_sum double 2",
        "bucket Bucket* 3",
        "sample_count_float double 4",
        "schema sint32 5",
        "zero_threshold double 6",
        "zero_count uint64 7",
        "zero_count_float double 8",
        "negative_span Span* 9",
        "negative_delta sint64* 10",
        "negative_count double* 11",
        "positive_span Span* 12",
        "positive_delta sint64* 13",
        "positive_count double* 14",
        "exemplars Exemplar* 16",
    ),
}


@cache
def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="tocsin_exposition.proto", package=_PACKAGE, syntax="proto2")
    for name, lines in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field_name, whole_kind, number in (line.split() for line in lines):
            kind = whole_kind.rstrip("*")
            label = _FIELD.LABEL_REPEATED if kind != whole_kind else _FIELD.LABEL_OPTIONAL
            field = message.field.add(name=field_name, number=int(number), label=label)
            field.type = _TYPES.get(kind, _FIELD.TYPE_MESSAGE)
            if kind not in _TYPES:
                field.type_name = f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _SCHEMA}


def parse_message(name: str, data: bytes) -> Message | None:
    """A message (`Family`, `Metric`, `Exemplar`, `Histogram`) from its bytes; None if they are none."""
    try:
        return _classes()[name].FromString(data)
    except DecodeError:
        return None
