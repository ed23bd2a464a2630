"""File import: every line is a record, a bad line or a blank one."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.builders import NOW_NS, StoredForm, log_request, metric_request

from tocsin.clock import ReplayClock
from tocsin.errors import InvalidInput, NotFound
from tocsin.model.signal import Signal
from tocsin.wire.door import Door
from tocsin.wire.files import Format, Imported, detect, read
from tocsin.wire.input_file import PIECE_BYTES, InputFile
from tocsin.wire.options import ImportOptions

CLOCK = ReplayClock(NOW_NS, speed=0)
DOOR = Door()
STORED = StoredForm()
JSON_LINE = b'{"ts":1700000000,"level":"info","msg":"hello","service":"shop","n":1}'
LOGFMT_LINE = b'ts=1700000000 level=info msg="hello again" n=1'
ACCESS_LINE = b'203.0.113.7 - - [20/Nov/2026:02:03:11 +0000] "GET /cart?id=7 HTTP/1.1" 200 512 "-" "curl/8.5"'
OTLP_LINE = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"5"}]}]}]}'
LINES = {Format.JSON_LINES: JSON_LINE, Format.LOGFMT: LOGFMT_LINE, Format.ACCESS_LOG: ACCESS_LINE, Format.OTLP_JSON: OTLP_LINE}


def run(path: Path, line_format: Format | None = None, **options: int) -> list[Imported]:
    """All steps of an import."""
    return list(read(str(path), line_format, service="unnamed", clock=CLOCK, door=DOOR, options=ImportOptions(**options)))


def write(path: Path, *lines: bytes) -> Path:
    """A file of lines."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def total(steps: list[Imported], name: str) -> int:
    """A count over all steps."""
    return sum(getattr(step, name) for step in steps)


def bad(steps: list[Imported]) -> list[Any]:
    """Bad lines of all steps."""
    return [line for step in steps for line in step.bad_lines]


@pytest.mark.parametrize("line_format", list(Format))
def test_each_format_is_detected_and_read(line_format: Format, tmp_path: Path) -> None:
    """From its own lines, without being named; the body of the record is there."""
    path = write(tmp_path / "log", *[LINES[line_format]] * 3)
    assert detect([LINES[line_format]] * 3) is line_format
    steps = run(path)
    assert (total(steps, "records"), total(steps, "lines"), bad(steps)) == (3, 3, [])
    assert steps[0].batch is not None
    assert steps[0].batch.signal is Signal.LOGS
    assert run(path, line_format) == steps


def test_a_record_has_all_that_the_line_said(tmp_path: Path) -> None:
    """Through the door and back."""
    batch = run(write(tmp_path / "log", JSON_LINE))[0].batch
    assert batch is not None
    resource = STORED.read(Signal.LOGS, batch.body).resource_logs[0]
    record = resource.scope_logs[0].log_records[0]
    assert (resource.resource.attributes[0].value.string_value, record.body.string_value) == ("shop", "hello")
    assert (record.time_unix_nano, record.severity_number, record.attributes[0].value.int_value) == (1_700_000_000 * 10**9, 9, 1)


@pytest.mark.parametrize("lines", [[], [b"", b"  "], [b"plain prose, with a=b in the midst of many other words"], [b"\xff\xfe"], [b"[1]"]])
def test_what_is_of_no_format_must_be_named(lines: list[bytes]) -> None:
    """The message shows the line and the names to choose from."""
    with pytest.raises(InvalidInput, match="jsonl, logfmt, access, otlp-json"):
        detect(lines)


def test_some_bad_lines_do_not_hinder_detection() -> None:
    """Most lines decide."""
    assert detect([b"starting up", b"", JSON_LINE, JSON_LINE]) is Format.JSON_LINES
    with pytest.raises(InvalidInput):
        detect([b"starting up", b"still starting", JSON_LINE, LOGFMT_LINE])


@pytest.mark.parametrize("line_format", list(Format))
def test_bad_lines_are_counted_with_their_number_and_reason(line_format: Format, tmp_path: Path) -> None:
    """Text cut to 200 characters; the good lines around them are in."""
    path = write(tmp_path / "log", LINES[line_format], b"not, good " * 100, b"", b"\xff\xfe", LINES[line_format])
    steps = run(path, line_format)
    assert [line.number for line in bad(steps)] == [2, 4]
    assert all(line.reason for line in bad(steps))
    assert [len(line.text) for line in bad(steps)] == [200, 2]
    assert (total(steps, "records"), total(steps, "blank_lines"), total(steps, "lines")) == (2, 1, 5)


@pytest.mark.parametrize("text", [b"5", b"[1]", b"null", b'{"a":', b'{"a":1} x', b'{"a":"\\ud800"}'])
def test_json_that_is_no_object_is_a_bad_line(text: bytes, tmp_path: Path) -> None:
    """Only objects are records."""
    steps = run(write(tmp_path / "log", JSON_LINE, text), Format.JSON_LINES)
    assert [line.number for line in bad(steps)] == [2]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "gzip in two members": lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:]),
    "zstd": zstandard.compress,
    "zstd in two frames": lambda data: zstandard.compress(data[:1000]) + zstandard.compress(data[1000:]),
}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_compressed_files_are_read_as_they_are(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Whatever their name; progress is told in bytes of the file on disk."""
    path = tmp_path / "log.txt"
    path.write_bytes(pack((JSON_LINE + b"\n") * 30_000))
    steps = run(path, batch_records=10_000)
    assert (total(steps, "records"), bad(steps)) == (30_000, [])
    assert (steps[-1].read_bytes, steps[-1].size_bytes) == (path.stat().st_size, path.stat().st_size)


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_a_compressed_file_cut_short_says_so(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """What could be read is in, and the loss is a bad line."""
    text = b"".join(JSON_LINE.replace(b'"n":1', b'"n":%d' % number) + b"\n" for number in range(20_000))
    path = tmp_path / "log"
    path.write_bytes(pack(text)[:-20])
    steps = run(path, Format.JSON_LINES)
    assert "cut short" in bad(steps)[-1].reason
    assert total(steps, "records") <= 20_000


def test_a_damaged_compressed_file_says_so(tmp_path: Path) -> None:
    """Garbage behind the magic bytes."""
    for start in (b"\x1f\x8b", b"\x28\xb5\x2f\xfd"):
        (tmp_path / "log").write_bytes(start + b"garbage" * 10)
        steps = run(tmp_path / "log", Format.JSON_LINES)
        assert (total(steps, "records"), "damaged" in bad(steps)[0].reason) == (0, True)


def test_standard_input_is_a_file_named_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is not known; it may be compressed too."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(LOGFMT_LINE * 1 + b"\n"))))
    steps = list(read("-", None, service="s", clock=CLOCK, door=DOOR))
    assert (total(steps, "records"), steps[0].size_bytes) == (1, None)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    """With its name; a directory can't be read either."""
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(NotFound, match=str(path)):
            run(path, Format.LOGFMT)


def test_steps_are_bounded_in_records_and_bytes(tmp_path: Path) -> None:
    """By batch_records, by batch_bytes, whichever comes first; an empty file has no step."""
    path = write(tmp_path / "log", *[LOGFMT_LINE] * 25)
    assert [step.lines for step in run(path, batch_records=10)] == [10, 10, 5]
    assert [step.lines for step in run(path, batch_bytes=1024)] == [23, 2]
    assert run(write(tmp_path / "empty"), Format.LOGFMT) == []


def test_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    """CRLF, no end at the last line, a mark at the start."""
    (tmp_path / "log").write_bytes(b"\xef\xbb\xbf" + JSON_LINE + b"\r\n" + JSON_LINE)
    steps = run(tmp_path / "log")
    assert (total(steps, "records"), bad(steps)) == (2, [])


def test_a_line_over_the_limit_is_a_bad_line(tmp_path: Path) -> None:
    """Even when it is much longer than a piece of reading; the lines around it are in, the exact limit is allowed."""
    giant = b'{"msg":"' + b"x" * (3 * PIECE_BYTES) + b'"}'
    exact = b'{"msg":"' + b"x" * 990 + b'"}'
    path = write(tmp_path / "log", JSON_LINE, giant, exact, exact + b" ", JSON_LINE)
    steps = run(path, Format.JSON_LINES, line_bytes_max=1000)
    assert ([line.number for line in bad(steps)], total(steps, "records")) == ([2, 4], 3)
    assert "line_bytes_max" in bad(steps)[0].reason


def test_lines_across_pieces_are_whole(tmp_path: Path) -> None:
    """Lines of a prime length drift across every boundary."""
    lines = [b"%d=" % number + b"y" * (1009 - len(str(number))) for number in range(1000)]
    path = write(tmp_path / "log", *lines)
    with InputFile(str(path)) as file:
        got = list(file.lines(line_bytes_max=5000))
    assert [line.data for line in got] == lines
    assert [line.number for line in got] == list(range(1, 1001))


def test_records_without_time_get_the_present_and_are_counted(tmp_path: Path) -> None:
    """Said in the answer, not hidden."""
    steps = run(write(tmp_path / "log", b'{"msg":"x"}', JSON_LINE))
    assert total(steps, "times_missing") == 1


def test_what_the_door_rejects_is_told(tmp_path: Path) -> None:
    """An imported record has to pass the same bounds as one from the network."""
    steps = run(write(tmp_path / "log", b'{"ts":"2100-01-01T00:00:00Z"}', JSON_LINE))
    assert (total(steps, "records"), total(steps, "rejected")) == (1, 1)
    assert "in the future" in steps[0].message


def test_nested_values_become_json(tmp_path: Path) -> None:
    """By the same reduction as over the network."""
    batch = run(write(tmp_path / "log", b'{"msg":"x","ctx":{"a":[1,{"b":null}]}}'))[0].batch
    assert batch is not None
    record = STORED.read(Signal.LOGS, batch.body).resource_logs[0].scope_logs[0].log_records[0]
    assert record.attributes[0].value.json_value == '{"a":[1,{"b":null}]}'


def test_otlp_json_lines_of_all_signals(tmp_path: Path) -> None:
    """Each line goes where its top key says; a line of another shape is bad."""
    documents = [json_format.MessageToDict(request, use_integers_for_enums=True) for request in (log_request(2), metric_request())]
    span = {"traceId": "ab" * 16, "spanId": "cd" * 8, "attributes": [{"key": "l", "value": {"arrayValue": {}}}]}
    documents += [{"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}, {"resourceStuff": []}, {"resourceSpans": 5}]
    steps = run(write(tmp_path / "log", *(json.dumps(document).encode() for document in documents)))
    assert [step.batch and (step.batch.signal, step.batch.records) for step in steps] == [
        (Signal.LOGS, 2), (Signal.METRICS, 5), (Signal.TRACES, 1), None, None,
    ]  # fmt: skip
    assert [line.number for line in bad(steps)] == [4, 5]


@given(
    data=st.lists(st.sampled_from([*LINES.values(), b"", b"\xff", b"{", b'a="']) | st.binary(max_size=30), max_size=20).map(b"\n".join),
    line_format=st.sampled_from(list(Format)),
)
def test_no_line_is_ever_skipped_silently(data: bytes, line_format: Format, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Lines are records, rejected, bad or blank: the sums agree, for any bytes."""
    path = tmp_path_factory.getbasetemp() / "any.log"
    path.write_bytes(data)
    steps = run(path, line_format)
    accounted = total(steps, "records") + total(steps, "rejected") + len(bad(steps)) + total(steps, "blank_lines")
    if data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        assert "damaged" in bad(steps)[0].reason or "cut short" in bad(steps)[0].reason
        return
    text = data.removeprefix(b"\xef\xbb\xbf")
    assert total(steps, "lines") == text.count(b"\n") + bool(text.rpartition(b"\n")[2])
    if line_format is not Format.OTLP_JSON:
        assert accounted == total(steps, "lines")
