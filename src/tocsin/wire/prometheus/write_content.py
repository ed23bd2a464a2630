"""
What a remote write request says that it is, and its body as it was before it was compressed.

    Content-Type: application/x-protobuf                                          1.0 (also: proto=prometheus.WriteRequest, or no header)
    Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request     2.0
    Content-Encoding: snappy (the block format; also: no header), zstd, identity

Source: Prometheus Remote-Write 1.0 and 2.0 specifications; Snappy, 'format description' (the varint at the start, the sizes of copies).
"""

from __future__ import annotations

from dataclasses import dataclass

import cramjam

from tocsin.errors import InvalidInput, LimitExceeded, ParseError
from tocsin.wire.inflate import inflate

MEDIA_TYPE = "application/x-protobuf"
PROTOS = {"prometheus.WriteRequest": 1, "io.prometheus.write.v2.Request": 2}
ENCODINGS = ("snappy", "zstd", "identity")
SNAPPY_RATIO_MAX = 22  # a copy of three bytes makes at most 64: a larger claim is a lie, and nothing is allocated for it


class UnsupportedContent(InvalidInput):
    """The body is of a type or an encoding that is not taken; the message names those that are."""

    code = "unsupported_media_type"


@dataclass(frozen=True, slots=True)
class WriteContent:
    """What a body is: the protocol's major version, 1 or 2, and one of ENCODINGS."""

    version: int
    encoding: str


def negotiate(content_type: str, content_encoding: str) -> WriteContent:
    """
    What the two headers say.

    Raises:
        UnsupportedContent: Something that is not taken.
    """
    media_type, *parameters = (part.strip() for part in content_type.split(";"))
    pairs = (parameter.partition("=") for parameter in parameters)
    proto = next((value.strip().strip('"') for name, _, value in pairs if name.strip().lower() == "proto"), "prometheus.WriteRequest")
    if media_type.lower() not in {MEDIA_TYPE, ""} or proto not in PROTOS:
        wanted = " or ".join(f"{MEDIA_TYPE};proto={name}" for name in PROTOS)
        raise UnsupportedContent(f"Content-Type must be {wanted}, found {content_type[:120]}")
    encoding = content_encoding.strip().lower() or "snappy"
    if encoding not in ENCODINGS:
        raise UnsupportedContent(f"Content-Encoding must be one of {', '.join(ENCODINGS)}, found {encoding[:80]}")
    return WriteContent(PROTOS[proto], encoding)


def inflated_size(body: bytes, encoding: str, *, bytes_max: int) -> int:
    """
    How large a body says it will be, before anything is allocated for it; of zstd, which need not say, its own size.

    Raises:
        ParseError: It can't be so large.
        LimitExceeded: Larger than `bytes_max`.
    """
    size = _snappy_size(body) if encoding == "snappy" else len(body)
    if size > bytes_max:
        raise _too_large(bytes_max)
    return size


def inflate_write(body: bytes, encoding: str, *, bytes_max: int) -> bytes | memoryview:
    """
    The body as it was before it was compressed.

    Raises:
        ParseError: It is damaged, cut short, or not of that encoding.
        LimitExceeded: It would be larger than `bytes_max`.
    """
    inflated_size(body, encoding, bytes_max=bytes_max)
    if encoding == "identity":
        return body
    if encoding == "zstd":
        try:
            return inflate(body, encoding, bytes_max=bytes_max)
        except LimitExceeded:
            raise _too_large(bytes_max) from None
    try:
        return memoryview(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise ParseError(f"the body is not snappy in its block format: {error}; check the sender's compression") from error


def _snappy_size(body: bytes) -> int:
    size = 0
    for index, byte in enumerate(body[:5]):
        size |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if size > SNAPPY_RATIO_MAX * len(body):
                raise ParseError(f"the snappy body claims {size} bytes, which {len(body)} can't hold; was the upload interrupted?")
            return size
    raise ParseError("the body is not snappy in its block format: it does not start with its size; check the sender's compression")


def _too_large(bytes_max: int) -> LimitExceeded:
    return LimitExceeded(
        f"the body inflates to more than {bytes_max} bytes; send smaller batches or raise inflated_bytes_max of remote write"
    )
