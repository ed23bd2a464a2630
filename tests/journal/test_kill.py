"""A real process, really killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.journal.builders import FailingDisk, Opener, bodies

import tocsin
from tocsin.model.signal import Signal

SENDER = """
import sys, threading
from pathlib import Path
from tocsin.clock import RealClock, RealEntropy
from tocsin.journal.journal import Journal
from tocsin.journal.options import JournalOptions
from tocsin.model.batch import Batch
from tocsin.model.signal import Signal

options = JournalOptions(segment_bytes_max=20_000, free_bytes_min=0)
journal = Journal(Path(sys.argv[1]), options=options, clock=RealClock(), entropy=RealEntropy())
journal.start()
said = threading.Lock()

def send(sender):
    for number in range(10_000_000):
        body = b"%d-%d" % (sender, number) + b" " * 500
        journal.append(Batch(Signal.TRACES, body, 1)).result()
        with said:
            print(body.decode().strip(), flush=True)

for sender in range(4):
    threading.Thread(target=send, args=(sender,), daemon=True).start()
threading.Event().wait()
"""


@pytest.mark.slow
@pytest.mark.parametrize("answers", [1, 50, 300])
def test_what_a_killed_process_acknowledged_is_there(tmp_path: Path, opened: Opener, disk: FailingDisk, answers: int) -> None:
    """Killed with SIGKILL while four threads send, a process leaves every batch that it had acknowledged, each once."""
    source = Path(tocsin.__file__).parents[1]
    command = [sys.executable, "-c", SENDER, str(tmp_path / "journal")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(source)}) as process:
        assert process.stdout
        acknowledged = [process.stdout.readline().strip() for _ in range(answers)]
        process.send_signal(signal.SIGKILL)
        # A line that the kill cut short was not read by anybody.
        acknowledged += [line.strip() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    journal = opened()
    found: list[str] = []
    while segment := journal.take(Signal.TRACES, timeout_s=0):
        found += [body.decode().strip() for body in bodies(segment)]
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    assert len(acknowledged) >= answers
    assert not journal.statistics().recovery.corrupt
