"""
The OTLP messages as the door parses them: twins of the official ones, with two differences.

    ArrayValue, KeyValueList   + required bool unreduced = 100000;      nobody sends it: who does, loses that one value
    every file                 syntax proto3 -> edition 2023            because proto3 knows no required fields

So a message is *uninitialized* exactly when an array or a map value occurs somewhere in it, and serializing it fails:
the engine cannot read recursive messages, and upb finds them for us at C speed (`reduce.py` then replaces them).
UTF-8 is still verified while parsing, as proto3 demands.

The schema is taken from the installed `opentelemetry-proto`, so a new field of the protocol needs no change here.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, EncodeError
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from tocsin.errors import ParseError
from tocsin.model.signal import Signal

Message: TypeAlias = Any
"""A message of a twin: its classes are made at run time, so its fields have no static types."""

MODULES = (
    common_pb2,
    resource_pb2,
    trace_pb2,
    logs_pb2,
    metrics_pb2,
    trace_service_pb2,
    logs_service_pb2,
    metrics_service_pb2,
)  # in the order of their imports
RECURSIVE = ("ArrayValue", "KeyValueList")
UNREDUCED_FIELD = 100_000
REQUEST_NAMES = {  # of the signals that come as OTLP
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest",
}


class Twin:
    """The twin schema, built once (about 5 ms); `requests` has the request class of each signal."""

    def __init__(self) -> None:
        pool = descriptor_pool.DescriptorPool()
        for module in MODULES:
            pool.Add(_twin_file(module.DESCRIPTOR))
        self.requests: dict[Signal, Any] = {
            signal: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for signal, name in REQUEST_NAMES.items()
        }

    def parse(self, signal: Signal, body: bytes) -> Message:
        """
        The request in `body`, without fields that the protocol does not know.

        Raises:
            ParseError: It is no such message, holds text that is not UTF-8, or nests deeper than 100 levels.
        """
        message = self.requests[signal]()
        try:
            message.MergeFromString(body)
        except DecodeError as error:
            name = REQUEST_NAMES[signal].rpartition(".")[2]
            raise ParseError(f"the body is not a protobuf {name} ({error}); check the path and the exporter's protocol") from error
        message.DiscardUnknownFields()
        return message


def serialize(message: Message) -> bytes | None:
    """The message's bytes; None when an array or a map value occurs in it."""
    try:
        data: bytes = message.SerializeToString()
    except EncodeError:
        return None
    return data


def _twin_file(descriptor: Any) -> descriptor_pb2.FileDescriptorProto:
    twin = descriptor_pb2.FileDescriptorProto()
    descriptor.CopyToProto(twin)
    twin.syntax = "editions"
    twin.edition = descriptor_pb2.EDITION_2023
    for message in twin.message_type:
        _adapt(message)
    return twin


def _adapt(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        if field.proto3_optional:  # editions track presence anyway, and refuse this mark and the oneof that comes with it
            field.ClearField("proto3_optional")
            field.ClearField("oneof_index")
    used = 1 + max((field.oneof_index for field in message.field if field.HasField("oneof_index")), default=-1)
    del message.oneof_decl[used:]  # protoc puts the synthetic ones last
    if message.name in RECURSIVE:
        mark = message.field.add(name="unreduced", number=UNREDUCED_FIELD)
        mark.type = descriptor_pb2.FieldDescriptorProto.TYPE_BOOL
        mark.label = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
        mark.options.features.field_presence = descriptor_pb2.FeatureSet.LEGACY_REQUIRED
    for nested in message.nested_type:
        _adapt(nested)
