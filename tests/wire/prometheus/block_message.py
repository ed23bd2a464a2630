"""Blocks of samples as somebody else reads them: by protobuf's own parser, from the schema alone."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def decode_block(body: bytes) -> Any:
    """The message `Request` of `tocsin.model.sample_block`."""
    return _BLOCK.FromString(body)


def _block_class() -> Any:
    """The block's message as the engine reads it, by protobuf's own parser."""
    kinds = {
        "id": "fixed64",
        "series_id": "fixed64",
        "timestamp_ms": "sfixed64",
        "day": "int32",
        "schema": "sint32",
        "positive_offset": "sint32",
        "negative_offset": "sint32",
        "trace_id": "bytes",
        "span_id": "bytes",
        "reset_hint": "uint32",
        "value": "double",
    }
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="block.proto", package="block", syntax="proto3")
    for name, fields in _BLOCK_SCHEMA.items():
        message = file.message_type.add(name=name)
        for position, (many, field_name, given) in enumerate(fields, 1):
            kind = given or kinds.get(field_name, "string")
            label = field.LABEL_REPEATED if many else field.LABEL_OPTIONAL
            one = message.field.add(name=field_name, number=position, label=label)
            if kind[0].isupper():
                one.type, one.type_name = field.TYPE_MESSAGE, f".block.{kind}"
            else:
                one.type = getattr(field, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("block.Request"))


_BLOCK_SCHEMA: dict[str, list[tuple[bool, str, str]]] = {
    "Series": [
        (False, "id", ""),
        (False, "day", ""),
        (False, "metric", ""),
        (True, "label_names", ""),
        (True, "label_values", ""),
        (False, "type", ""),
        (False, "help", ""),
        (False, "unit", ""),
    ],
    "Histogram": [
        (False, "series_id", ""),
        (False, "timestamp_ms", ""),
        (False, "schema", ""),
        (False, "count", "double"),
        (False, "sum", "double"),
        (False, "zero_threshold", "double"),
        (False, "zero_count", "double"),
        (False, "positive_offset", ""),
        (True, "positive_counts", "double"),
        (False, "negative_offset", ""),
        (True, "negative_counts", "double"),
        (True, "custom_values", "double"),
        (False, "reset_hint", ""),
    ],
    "Exemplar": [
        (False, "series_id", ""),
        (False, "timestamp_ms", ""),
        (False, "value", ""),
        (False, "trace_id", ""),
        (False, "span_id", ""),
        (True, "label_names", ""),
        (True, "label_values", ""),
        (False, "metric", ""),
    ],
    "Request": [
        (True, "series_id", ""),
        (True, "timestamp_ms", ""),
        (True, "value", ""),
        (True, "series", "Series"),
        (True, "histograms", "Histogram"),
        (True, "exemplars", "Exemplar"),
    ],
}
_BLOCK = _block_class()
