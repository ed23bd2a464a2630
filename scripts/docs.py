"""
`make docs`: write the pages under docs/reference/ that are made from the code.

A test (`tests/tidy/test_documentation.py`) compares each page with what this file would write, so that none can grow old.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

from tocsin import errors
from tocsin.api import errors as api_errors
from tocsin.api.errors import CODES, status_of
from tocsin.app.option_reference import reference_page, sample_file
from tocsin.cli.reference import cli_page, http_page, metrics_page
from tocsin.errors import TocsinError

FOLDER = Path(__file__).parents[1] / "docs" / "reference"

ERRORS_HEAD = """# Errors

Written from the code by `make docs`; don't edit.

Every failure that Tocsin raises on purpose has a code out of this closed list; programs may match on it. In Python it is the class (all of
them under `tocsin.errors.TocsinError`), in the JSON API the field `error.code`:

    {"error": {"code": "parse_error", "message": "...", "retryable": false, "position": 17}}

OTLP clients get the same message as a `google.rpc.Status`. *Retryable* says that the same request may succeed later;
`Retry-After` says when.

| code | HTTP | retryable | meaning |
|---|---|---|---|
"""


def errors_page() -> str:
    """The page `errors.md`: the tree of errors and what HTTP says for each."""
    rows: dict[str, str] = {}
    for kind in sorted(_kinds(), key=_generality):
        rows[kind.code] = f"| `{kind.code}` | {_status(kind)} | {_yes(kind.retryable)} | {_meaning(kind)} |"
    for status, code in CODES.items():
        rows.setdefault(code, f"| `{code}` | {status.value} | no | {status.description} |")
    return ERRORS_HEAD + "\n".join(rows[code] for code in sorted(rows)) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "configuration.md": reference_page,
    "errors.md": errors_page,
    "http.md": http_page,
    "metrics.md": metrics_page,
    "tocsin.yaml": sample_file,
}


def main() -> None:
    """Write every page, and say which."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(f"docs/reference/{name}")


def _kinds() -> list[type[TocsinError]]:
    declared = {**vars(errors), **vars(api_errors)}.values()
    return [kind for kind in declared if isinstance(kind, type) and issubclass(kind, TocsinError)]


def _generality(kind: type[TocsinError]) -> tuple[int, str]:
    """The most general class last: of several with one code, its sentence is the one that stands."""
    return -len(kind.__mro__), kind.__name__


def _status(kind: type[TocsinError]) -> int:
    return status_of(kind.__new__(kind))  # its constructor may ask for more than this page knows


def _meaning(kind: type[TocsinError]) -> str:
    if kind is TocsinError:
        return "A failure of Tocsin's own; the server's log says more."
    return " ".join((inspect.getdoc(kind) or "").split()).replace("|", "\\|")


def _yes(value: bool) -> str:
    return "yes" if value else "no"


if __name__ == "__main__":
    main()
