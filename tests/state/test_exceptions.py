"""Exceptions from a policy: granted, and used as often as they allow, whoever asks at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.state.builders import MINUTE, NOW, Open, exception

from tocsin.errors import Conflict, InvalidInput
from tocsin.state.audit import AuditAction, AuditEntry
from tocsin.state.options import StateOptions
from tocsin.state.state import State

USE_UNTIL_NONE_IS_LEFT = """
import sys
from pathlib import Path
from pydantic import SecretStr
from tocsin.state.options import StateOptions
from tocsin.state.state import State
folder, url, at = sys.argv[1:]
with State.open(Path(folder), StateOptions(url=SecretStr(url) if url else None)) as state:
    print("ready", flush=True)
    sys.stdin.readline()
    print(sum(1 for _ in iter(lambda: state.exceptions.use("e1", int(at)), False)))
"""


def test_an_exception_is_found_while_it_holds(state: State) -> None:
    """It holds from its grant until before it expires, for its service."""
    state.exceptions.grant(exception())
    assert state.exceptions.list() == state.exceptions.list("checkout", NOW) == [exception()]
    assert not state.exceptions.list("checkout", NOW - 1)
    assert not state.exceptions.list("checkout", NOW + 60 * MINUTE)
    assert not state.exceptions.list("cart")


def test_each_use_is_counted_and_audited(state: State) -> None:
    """It lets through as many deployments as it says; then it is listed only in the history."""
    state.exceptions.grant(exception())
    uses = [state.exceptions.use("e1", NOW + index, author="pipeline", detail="checkout 1.2.0") for index in range(3)]
    assert uses == [True, True, False]
    assert not state.exceptions.list(at=NOW + 5)
    assert state.exceptions.list() == [exception(uses_left=0)]
    assert state.audit.list() == [
        AuditEntry(NOW + 1, "pipeline", AuditAction.EXCEPTION_USED, "e1", "checkout 1.2.0"),
        AuditEntry(NOW, "pipeline", AuditAction.EXCEPTION_USED, "e1", "checkout 1.2.0"),
        AuditEntry(
            NOW, "ada", AuditAction.EXCEPTION_GRANTED, "e1", "security for checkout, 2 times until 2026-09-21T15:13:20.123456789Z: CVE"
        ),
    ]


def test_what_does_not_hold_is_not_used(state: State) -> None:
    """Before its grant, after it expired, or under an unknown id nothing is used and nothing audited."""
    state.exceptions.grant(exception())
    assert not any(state.exceptions.use(name, at) for name, at in [("e1", NOW - 1), ("e1", NOW + 60 * MINUTE), ("e2", NOW)])
    assert len(state.audit.list()) == 1


def test_an_exception_that_can_not_be_is_refused(state: State) -> None:
    """An id that is taken, an end before the start, no use at all, nobody's signature."""
    state.exceptions.grant(exception())
    with pytest.raises(Conflict, match="'e1' already"):
        state.exceptions.grant(exception())
    with pytest.raises(InvalidInput, match="expires"):
        state.exceptions.grant(exception(id="e2", expires=NOW))
    with pytest.raises(InvalidInput, match="lets 0 deployments through"):
        state.exceptions.grant(exception(id="e2", uses_left=0))
    with pytest.raises(InvalidInput, match="needs author"):
        state.exceptions.grant(exception(id="e2", author=""))
    assert len(state.exceptions.list()) == 1


def test_threads_never_take_more_than_there_is(open_state: Open) -> None:
    """Of many threads on two connections pools, exactly as many get a use as were granted."""
    states = [open_state(), open_state()]
    states[0].exceptions.grant(exception(uses_left=7))
    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(lambda index: states[index % 2].exceptions.use("e1", NOW), range(40)))
    assert taken == 7
    assert sum(entry.action is AuditAction.EXCEPTION_USED for entry in states[0].audit.list()) == 7


@pytest.mark.slow
def test_processes_never_take_more_than_there_is(state: State, options: StateOptions, tmp_path: Path) -> None:
    """Two processes that take uses as fast as they can take exactly what was granted."""
    state.exceptions.grant(exception(uses_left=60))
    url = options.url.get_secret_value() if options.url else ""
    command = [sys.executable, "-c", USE_UNTIL_NONE_IS_LEFT, str(tmp_path), url, str(NOW)]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    taken = [int(child.communicate(timeout=60)[0]) for child in children]
    assert sum(taken) == 60
    assert state.exceptions.list() == [exception(uses_left=0)]
