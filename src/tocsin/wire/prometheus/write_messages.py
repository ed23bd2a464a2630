"""
The parts of remote write requests that are read in Python: labels of series that are not known, histograms, exemplars, metadata.

They are few beside the samples, so upb parses them. Texts are declared as bytes: a label that is not UTF-8 is the fault of one series, and
must not make its whole request unreadable.

Source: Prometheus Remote-Write 1.0 (`prometheus.WriteRequest`) and 2.0 (`io.prometheus.write.v2.Request`).
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from tocsin.errors import ParseError

Message = Any

_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "bytes": _FIELD.TYPE_BYTES,
    "double": _FIELD.TYPE_DOUBLE,
    "int64": _FIELD.TYPE_INT64,
    "uint64": _FIELD.TYPE_UINT64,
    "uint32": _FIELD.TYPE_UINT32,
    "sint32": _FIELD.TYPE_SINT32,
    "sint64": _FIELD.TYPE_SINT64,
}

# Message: "name type number", `*` for repeated, `?` for one whose presence matters. What is left out is skipped.
_SCHEMA: dict[str, tuple[str, ...]] = {
    "Label": ("name bytes 1", "value bytes 2"),
    "Labels1": ("labels Label* 1",),
    "Metadata1": ("type int64 1", "metric_family_name bytes 2", "help bytes 4", "unit bytes 5"),
    "Exemplar1": ("labels Label* 1", "value double 2", "timestamp int64 3"),
    "Metadata2": ("type int64 1", "help_ref uint32 3", "unit_ref uint32 4"),
    "Labels2": ("labels_refs uint32* 1", "metadata Metadata2? 5"),
    "Exemplar2": ("labels_refs uint32* 1", "value double 2", "timestamp int64 3"),
    "BucketSpan": ("offset sint32 1", "length uint32 2"),
    "Histogram": (
        "count_int uint64? 1",
        "count_float double? 2",
        "sum double 3",
        "schema sint32 4",
        "zero_threshold double 5",
        "zero_count_int uint64 6",
        "zero_count_float double 7",
        "negative_spans BucketSpan* 8",
        "negative_deltas sint64* 9",
        "negative_counts double* 10",
        "positive_spans BucketSpan* 11",
        "positive_deltas sint64* 12",
        "positive_counts double* 13",
        "reset_hint int64 14",
        "timestamp int64 15",
        "custom_values double* 16",
    ),
}


class WriteMessages:
    """Parsers of the messages above, each named for what it holds and for the version of the protocol where they differ."""

    def __init__(self) -> None:
        file = descriptor_pb2.FileDescriptorProto(name="tocsin_remote_write.proto", package="tocsin.remote_write", syntax="proto2")
        for name, fields in _SCHEMA.items():
            message = file.message_type.add(name=name)
            for line in fields:
                _add_field(message, line)
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        self._classes = {
            name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tocsin.remote_write.{name}")) for name in _SCHEMA
        }

    def parse(self, name: str, data: bytes) -> Message:
        """
        A message.

        Args:
            name: One of the names above, such as `Histogram` or `Exemplar2`.
            data: Its bytes.

        Raises:
            ParseError: They are no such message.
        """
        try:
            return self._classes[name].FromString(data)
        except DecodeError as error:
            raise ParseError(f"the request holds a damaged {name.rstrip('12').lower()}: {error}") from error


def _add_field(message: descriptor_pb2.DescriptorProto, line: str) -> None:
    name, kind, number = line.split()
    field = message.field.add(name=name, number=int(number), label=_FIELD.LABEL_REPEATED if "*" in kind else _FIELD.LABEL_OPTIONAL)
    kind = kind.rstrip("*?")
    if kind in _TYPES:
        field.type = _TYPES[kind]
    else:
        field.type = _FIELD.TYPE_MESSAGE
        field.type_name = f".tocsin.remote_write.{kind}"
