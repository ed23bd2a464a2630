"""`python -m tocsin.testing.promqltest FILE...`: run test scripts and say what passed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tocsin.clock import RealClock
from tocsin.query.promql.engine import Promql
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.series.memory import MemorySeries
from tocsin.testing.promqltest.runner import CaseResult, PromqlEngine, run_script


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run scripts and write how they went.

    Returns:
        0 if everything passed, 1 if something failed, 2 if a file can't be read.
    """
    chosen = _arguments().parse_args(arguments)
    passed = total = unread = 0
    for path in chosen.files:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            sys.stderr.write(f"{path}: cannot be read: {_reason(error)}\n")
            unread += 1
            continue
        results = run_script(text, _engines(chosen.delayed_name_removal), only=chosen.filter)
        failed = [result for result in results if not result.passed]
        if not chosen.quiet:
            sys.stdout.writelines(f"{path}:{result.line}: {_summary(result)}\n" for result in failed)
        sys.stdout.write(_counted(str(path), len(results) - len(failed), len(results)))
        passed, total = passed + len(results) - len(failed), total + len(results)
    sys.stdout.write(_counted("total", passed, total))
    return 2 if unread else 0 if passed == total else 1


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return "it is a directory; name its files" if isinstance(error, IsADirectoryError) else error.strerror or str(error)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tocsin.testing.promqltest", description="Run PromQL test scripts.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="scripts in the promqltest language")
    parser.add_argument("--quiet", action="store_true", help="only the counts, not what failed")
    parser.add_argument("--filter", default="", metavar="TEXT", help="only cases whose query contains this text")
    parser.add_argument(
        "--delayed-name-removal",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="drop metric names at the end of the evaluation; on by default, as Prometheus tests its own engine",
    )
    return parser


class _Engines:
    """Makes engines with every experimental feature switched on."""

    def __init__(self, options: PromqlOptions) -> None:
        self._options = options

    def __call__(self, series: MemorySeries) -> PromqlEngine:
        """An engine that reads these series."""
        return Promql(series, self._options, clock=RealClock())


def _engines(delayed_name_removal: bool) -> _Engines:
    return _Engines(
        PromqlOptions(
            experimental_functions=True,
            duration_expressions=True,
            extended_ranges=True,
            fill_modifiers=True,
            type_and_unit_labels=True,
            delayed_name_removal=delayed_name_removal,
        )
    )


def _summary(result: CaseResult) -> str:
    return f"{result.query}: {result.difference}" if result.query else result.difference


def _counted(name: str, passed: int, total: int) -> str:
    share = 100 * passed / total if total else 100.0
    return f"{name}: {passed} of {total} passed ({share:.1f} %)\n"


if __name__ == "__main__":
    sys.exit(main())
