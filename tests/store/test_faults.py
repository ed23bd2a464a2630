"""The engine's errors become ours: who is at fault, said in words."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tocsin.errors import InvalidInput, LimitExceeded, StoreError, Timeout, TocsinError
from tocsin.store.engine import SettingValue
from tocsin.store.faults import EngineUnavailable, fault
from tocsin.store.sql import Sql
from tocsin.store.store import Store

REAL: list[tuple[str, Mapping[str, SettingValue], type[TocsinError], str]] = [
    ("SELEC 1", {}, InvalidInput, "SYNTAX_ERROR"),
    ("SELECT missing FROM spans", {}, InvalidInput, "UNKNOWN_IDENTIFIER"),
    ("SELECT 1 FROM missing", {}, InvalidInput, "UNKNOWN_TABLE"),
    ("SELECT missing(1)", {}, InvalidInput, "UNKNOWN_FUNCTION"),
    ("SELECT plus(1)", {}, InvalidInput, "NUMBER_OF_ARGUMENTS"),
    ("SELECT plus('a', 1)", {}, InvalidInput, "ILLEGAL_TYPE"),
    ("SELECT match('a', '(')", {}, InvalidInput, "CANNOT_COMPILE_REGEXP"),
    ("SELECT toUInt8('x')", {}, InvalidInput, "CANNOT_PARSE_TEXT"),
    ("SELECT {p:Int64}", {}, InvalidInput, "UNKNOWN_QUERY_PARAMETER"),
    ("SELECT 1", {"missing_setting": 1}, InvalidInput, "UNKNOWN_SETTING"),
    (
        "SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))",
        {"max_execution_time": 0.05},
        Timeout,
        "TIMEOUT_EXCEEDED",
    ),
    ("SELECT number FROM numbers(1000)", {"max_result_rows": 10, "max_block_size": 10}, LimitExceeded, "TOO_MANY_ROWS"),
    ("SELECT number FROM numbers(1000)", {"max_rows_to_read": 10}, LimitExceeded, "TOO_MANY_ROWS"),
    ("SELECT groupArray(number) FROM numbers(50000000)", {"max_memory_usage": 10_000_000}, LimitExceeded, "MEMORY_LIMIT_EXCEEDED"),
    ("SELECT throwIf(1)", {}, InvalidInput, "FUNCTION_THROW_IF"),
    ("SELECT * FROM file('/missing/x.csv', 'CSV', 'a Int8')", {}, StoreError, "FILE_DOESNT_EXIST"),
]


@pytest.mark.parametrize(("text", "settings", "kind", "name"), REAL, ids=[case[3] + str(place) for place, case in enumerate(REAL)])
def test_errors_of_the_real_engine(
    embedded: Store, text: str, settings: Mapping[str, SettingValue], kind: type[TocsinError], name: str
) -> None:
    """Each failure is of the class that says whose it is, and names the engine's word for it once."""
    with pytest.raises(kind) as caught:
        embedded.engine.query(Sql(text), settings=settings)
    assert type(caught.value) is kind
    said = str(caught.value)
    assert said.count(name) == 1, said
    assert "DB::Exception" not in said
    assert "Code:" not in said
    assert "(version" not in said


@pytest.mark.parametrize(
    "text",
    [
        "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)",
        "Code: 75. DB::Exception: Cannot write to file /x, errno: 28, strerror: No space left on device. (CANNOT_WRITE_TO_FILE_DESCRIPTOR)",
        "Code: 1001. DB::Exception: std::__1::__fs::filesystem::filesystem_error: No space left on device [/x]. (STD_EXCEPTION)",
        "Code: 252. DB::Exception: Too many parts (3000). Merges are processing significantly slower than inserts. (TOO_MANY_PARTS)",
        "Code: 516. DB::Exception: default: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)",
        "Code: 202. DB::Exception: Too many simultaneous queries. Maximum: 100. (TOO_MANY_SIMULTANEOUS_QUERIES)",
        "Code: 242. DB::Exception: Table is in readonly mode. (TABLE_IS_READ_ONLY)",
        "Code: 210. DB::NetException: Connection refused (db:9000). (NETWORK_ERROR)",
    ],
)
def test_faults_of_the_machine_are_told_apart(text: str) -> None:
    """Whatever time or a human mends without touching the data is one class, so that nothing is given up for it."""
    error = fault(text)
    assert isinstance(error, EngineUnavailable)
    assert error.retryable
    assert error.code == "store_error"


def test_what_is_no_error_text_is_kept() -> None:
    """An answer of something that is no ClickHouse at all is shown, shortened."""
    error = fault("<html>" + "x" * 10_000)
    assert type(error) is StoreError
    assert len(str(error)) < 700
