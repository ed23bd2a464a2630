"""A disk that is really full: a small file system of its own, filled to the brim while telemetry comes in."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.spine.server import Server, wait_until
from tests.spine.test_kill import RECORDS_PER_REQUEST, STORED, Load

DISK_BYTES = 192 << 20
BLOCK = b"\0" * (1 << 20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 192 MiB. Where this user may not mount one, the journal's simulation has to do (tests/simulation)."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tocsin", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this user may not mount a file system: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_full_disk_means_not_acknowledged_never_a_crash(small_disk: Path) -> None:
    """While the disk is full nothing is acknowledged; with space again all goes on by itself, and nothing acknowledged is missing."""
    data, filler = small_disk / "data", small_disk / "filler"
    load = Load("logs", 3)
    with Server(data, environment={"TOCSIN_JOURNAL__FREE_BYTES_MIN": "0"}) as server:
        load.run(server.url)
        wait_until(lambda: len(load.acknowledged) > 20, timeout_s=60, what="the load to start")
        _fill(filler)
        wait_until(lambda: load.refused > 0, timeout_s=60, what="a refusal, since the disk is full")
        assert server.child.poll() is None, "a full disk ends nothing"
        assert server.client.get("/healthz").is_success
        filler.unlink()
        taken = len(load.acknowledged)
        wait_until(lambda: len(load.acknowledged) > taken + 20, timeout_s=60, what="the load to be taken again")
        load.stop()
        wait_until(
            lambda: load.acknowledged <= {row[0] for row in server.rows(STORED["logs"])}, timeout_s=60, what="all that was acknowledged"
        )
        assert all(count == RECORDS_PER_REQUEST for _, count, _ in server.rows(STORED["logs"]))


def _fill(path: Path) -> None:
    with path.open("wb") as file:
        try:
            while True:
                file.write(BLOCK)
                file.flush()
        except OSError:
            return
