"""Metrics of the machine: names and labels of node_exporter, absence instead of zero, one failure that hides nothing else."""

from __future__ import annotations

import os
from collections import namedtuple
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.collect.builders import HandClock

from tocsin.clock import RealClock
from tocsin.collect.host import HostMetrics, Machine
from tocsin.collect.host_families import gauge, render
from tocsin.model.labels import Labels
from tocsin.model.sample_block import series_id
from tocsin.model.series import Metadata
from tocsin.wire.prometheus.exposition import ExpositionReader
from tocsin.wire.prometheus.scraped import Fate, Resolution

Times = namedtuple("Times", "user nice system idle iowait irq softirq steal guest guest_nice")  # noqa: PYI024 - as psutil's are
ShortTimes = namedtuple("ShortTimes", "user nice system idle")  # noqa: PYI024
PROC = {
    "stat": "cpu  1 2 3\nintr 900 1 2\nctxt 5000\nbtime 17\nprocesses 70\nprocs_running 4\nprocs_blocked 1\n",
    "meminfo": "MemTotal:   2000 kB\nActive(anon):  30 kB\nHugePages_Total:   5\n",
    "vmstat": "nr_free_pages 8\npgpgin 6\npswpout 7\npgmajfault 9\noom_kill 2\n",
    "diskstats": "   8  0 sda 1 0 8 3 2 0 16 5 3 7 11\n   8  1 sda1 1 0 8 3 2 0 16 5 3 7 11\n",
    "pressure/cpu": "some avg10=1.00 avg60=2.00 avg300=3.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "pressure/io": "some avg10=0.00 avg60=0.00 avg300=0.00 total=500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n",
    "net/snmp": "Tcp: RetransSegs InErrs Other\nTcp: 3 1 9\nUdp: InErrors\nUdp: 2\n",
    "net/netstat": "TcpExt: ListenDrops\nTcpExt: 6\n",
    "sys/fs/file-nr": "1200\t0\t90000\n",
}


class FakeSystem:
    """Answers as psutil does, for a machine with two processors, a disk, and an interface that is fast."""

    times: tuple[Any, ...] = (Times(10.5, 1, 2, 80, 4, 0.5, 0.25, 3, 1.5, 0), Times(20, 0, 3, 70, 0, 0, 0, 0, 0, 0))
    mounts: tuple[SimpleNamespace, ...] = (
        SimpleNamespace(device="/dev/sda1", mountpoint="/", fstype="ext4", opts="rw,relatime"),
        SimpleNamespace(device="proc", mountpoint="/proc", fstype="proc", opts="rw"),
        SimpleNamespace(device="tmpfs", mountpoint="/dev/shm", fstype="tmpfs", opts="rw"),
        SimpleNamespace(device="/dev/sda2", mountpoint="/old", fstype="xfs", opts="rw"),
        SimpleNamespace(device="/dev/sda3", mountpoint="/old", fstype="xfs", opts="relatime,ro"),
        SimpleNamespace(device="server:/x", mountpoint="/far", fstype="nfs4", opts="rw"),
        SimpleNamespace(device="/dev/sdb1", mountpoint="/gone", fstype="ext4", opts="rw"),
    )

    def cpu_times(self, *, percpu: bool) -> list[Any]:
        """Of each processor."""
        assert percpu
        return list(self.times)

    def cpu_stats(self) -> Any:
        """Where there is no /proc."""
        return SimpleNamespace(ctx_switches=4000)

    def getloadavg(self) -> tuple[float, float, float]:
        """Three averages."""
        return 0.5, 1.5, 2.5

    def boot_time(self) -> float:
        """A start."""
        return 1_780_000_000.0

    def virtual_memory(self) -> Any:
        """As on macOS."""
        return SimpleNamespace(total=8000, free=100, wired=70)

    def swap_memory(self) -> Any:
        """Some of it is used."""
        return SimpleNamespace(total=500, used=20)

    def disk_io_counters(self, *, perdisk: bool, nowrap: bool) -> dict[str, Any]:
        """A disk, its partition, and a loop device."""
        assert perdisk
        assert not nowrap
        counts = SimpleNamespace(
            read_count=11, write_count=12, read_bytes=1000, write_bytes=2000, read_time=1500, write_time=2500, busy_time=250
        )
        return {"sda": counts, "sda1": counts, "loop0": counts, "nvme0n1": counts, "nvme0n1p2": counts}

    def disk_partitions(self, *, all: bool) -> list[Any]:  # noqa: A002 - psutil's word
        """What is mounted."""
        assert all
        return list(self.mounts)

    def net_io_counters(self, *, pernic: bool, nowrap: bool) -> dict[str, Any]:
        """One interface."""
        assert pernic
        assert not nowrap
        return {"eth0": SimpleNamespace(bytes_recv=1, packets_recv=2, errin=3, dropin=4, bytes_sent=5, packets_sent=6, errout=7, dropout=8)}

    def net_if_stats(self) -> dict[str, Any]:
        """Its state, and that of another one which counts nothing."""
        return {"eth0": SimpleNamespace(isup=True, mtu=1500, speed=1000), "tun0": SimpleNamespace(isup=True, mtu=1400, speed=0)}


def fake_statvfs(path: str) -> os.statvfs_result:
    """100 blocks of 4096 bytes, of which 40 are free and 30 for everybody; one disk is broken."""
    if path == "/gone":
        raise OSError(5, "Input/output error")
    return os.statvfs_result((4096, 4096, 100, 40, 30, 50, 20, 20, 0, 255))


def read(body: bytes) -> dict[str, float]:
    """Samples by series, as our own reader reads them."""
    names: dict[int, str] = {}

    def resolve(labels: Labels, metadata: Metadata | None, timestamp_ms: int) -> Resolution:
        assert metadata is not None
        assert metadata.help
        assert timestamp_ms
        names[series_id(labels)] = repr(labels)
        return Resolution(Fate.KEPT, series_id(labels), labels.metric)

    scraped = ExpositionReader(resolve).read(body, "text/plain; version=0.0.4", timestamp_ms=1_790_000_000_000)
    assert scraped.duplicates == 0
    return {names[int(identity)]: float(value) for identity, value in zip(scraped.series_ids, scraped.values, strict=True)}


def machine(folder: Path, files: Mapping[str, str] = PROC, system: Any = None) -> Machine:
    """A machine whose kernel says this."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Machine(system=system or FakeSystem(), proc=folder, statvfs=fake_statvfs)


@pytest.fixture
def found(tmp_path: Path) -> dict[str, float]:
    """What the fake machine exposes."""
    return read(HostMetrics(HandClock(), machine(tmp_path)).expose())


def test_processors(found: dict[str, float]) -> None:
    """Seconds by processor and mode; guests apart, because `user` has them already."""
    assert found['node_cpu_seconds_total{cpu="0", mode="user"}'] == 10.5
    assert found['node_cpu_seconds_total{cpu="0", mode="steal"}'] == 3
    assert found['node_cpu_seconds_total{cpu="1", mode="idle"}'] == 70
    assert found['node_cpu_guest_seconds_total{cpu="0", mode="user"}'] == 1.5
    assert not any("guest" in name for name in found if name.startswith("node_cpu_seconds_total"))
    assert (found["node_load1"], found["node_load15"]) == (0.5, 2.5)


def test_activity_and_pressure(found: dict[str, float]) -> None:
    """What runs, what waits, and the seconds lost by waiting; shares that the kernel gives without a meaning are left out."""
    names = ("node_procs_running", "node_procs_blocked", "node_forks_total", "node_intr_total", "node_context_switches_total")
    assert [found[name] for name in names] == [4, 1, 70, 900, 5000]
    assert found["node_boot_time_seconds"] == 1_780_000_000
    assert found["node_pressure_cpu_waiting_seconds_total"] == 2.5
    assert found["node_pressure_io_stalled_seconds_total"] == 0.25
    assert "node_pressure_cpu_stalled_seconds_total" not in found
    assert not any(name.startswith("node_pressure_memory") for name in found)


def test_memory(found: dict[str, float]) -> None:
    """Kilobytes become bytes, parentheses underscores, counts stay counts; paging in its own words."""
    assert found["node_memory_MemTotal_bytes"] == 2_048_000
    assert found["node_memory_Active_anon_bytes"] == 30_720
    assert found["node_memory_HugePages_Total"] == 5
    assert {name: value for name, value in found.items() if name.startswith("node_vmstat")} == {
        "node_vmstat_pgpgin": 6,
        "node_vmstat_pswpout": 7,
        "node_vmstat_pgmajfault": 9,
        "node_vmstat_oom_kill": 2,
    }


def test_disks(found: dict[str, float]) -> None:
    """Whole disks only, times in seconds; what psutil does not tell of this system is absent."""
    assert {name for name in found if name.startswith("node_disk_reads_completed")} == {
        'node_disk_reads_completed_total{device="nvme0n1"}',
        'node_disk_reads_completed_total{device="sda"}',
    }
    assert found['node_disk_written_bytes_total{device="sda"}'] == 2000
    assert found['node_disk_read_time_seconds_total{device="sda"}'] == 1.5
    assert found['node_disk_io_time_seconds_total{device="sda"}'] == 0.25
    assert found['node_disk_io_now{device="sda"}'] == 3
    assert found['node_disk_io_time_weighted_seconds_total{device="sda"}'] == 0.011
    assert not any("merged" in name for name in found)


def test_filesystems(found: dict[str, float]) -> None:
    """Of this machine only; the uppermost of two at one place; one that can't be asked says so and has no size."""
    root = '{device="/dev/sda1", fstype="ext4", mountpoint="/"}'
    assert [found[f"node_filesystem_{name}{root}"] for name in ("size_bytes", "free_bytes", "avail_bytes", "files", "files_free")] == [
        409_600,
        163_840,
        122_880,
        50,
        20,
    ]
    assert {name: value for name, value in found.items() if name.startswith("node_filesystem_readonly")} == {
        f"node_filesystem_readonly{root}": 0,
        'node_filesystem_readonly{device="/dev/sda3", fstype="xfs", mountpoint="/old"}': 1,
        'node_filesystem_readonly{device="/dev/sdb1", fstype="ext4", mountpoint="/gone"}': 0,
    }
    gone = '{device="/dev/sdb1", fstype="ext4", mountpoint="/gone"}'
    assert found[f"node_filesystem_device_error{gone}"] == 1
    assert f"node_filesystem_size_bytes{gone}" not in found


def test_a_container_has_its_root(tmp_path: Path) -> None:
    """The file system at `/` is exposed whatever its type, because in a container it is an overlay."""
    system = FakeSystem()
    system.mounts = (SimpleNamespace(device="overlay", mountpoint="/", fstype="overlay", opts="rw"),)
    exposed = read(HostMetrics(HandClock(), machine(tmp_path, system=system)).expose())
    assert 'node_filesystem_size_bytes{device="overlay", fstype="overlay", mountpoint="/"}' in exposed


def test_the_network(found: dict[str, float]) -> None:
    """Both ways with errors and drops; speed in bytes; TCP and UDP by the kernel's names."""
    way = ("bytes", "packets", "errs", "drop")
    names = [f'node_network_{direction}_{what}_total{{device="eth0"}}' for direction in ("receive", "transmit") for what in way]
    assert [found[name] for name in names] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found['node_network_speed_bytes{device="eth0"}'] == 125_000_000
    assert not any("tun0" in name for name in found)
    assert (found["node_netstat_Tcp_RetransSegs"], found["node_netstat_TcpExt_ListenDrops"], found["node_netstat_Udp_InErrors"]) == (
        3,
        6,
        2,
    )
    assert "node_netstat_Tcp_Other" not in found


def test_descriptors_time_and_name(found: dict[str, float]) -> None:
    """File descriptors of the machine, its time by the clock that was given, and what it is called."""
    assert (found["node_filefd_allocated"], found["node_filefd_maximum"]) == (1200, 90_000)
    assert found["node_time_seconds"] == HandClock().now_ns() / 1e9
    assert any(name.startswith("node_uname_info{") and 'sysname="' in name for name in found)


def test_one_failure_hides_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The collector that failed says 0 and is logged once, the others say 1 and give all they have."""
    metrics = HostMetrics(HandClock(), machine(tmp_path, {**PROC, "meminfo": "MemTotal: many kB\n"}))
    exposed = [read(metrics.expose()) for _ in range(2)][-1]
    success = {name: value for name, value in exposed.items() if name.startswith("node_scrape_collector_success")}
    assert [name for name, value in success.items() if value == 0] == ['node_scrape_collector_success{collector="meminfo"}']
    assert success['node_scrape_collector_success{collector="vmstat"}'] == 1
    assert "node_vmstat_pgpgin" in exposed
    assert len([record for record in caplog.records if "meminfo" in record.getMessage()]) == 1


def test_another_system_has_less(tmp_path: Path) -> None:
    """Without /proc, as on macOS, there is what psutil knows; the rest is absent, and no collector counts as failed."""
    system = FakeSystem()
    system.times = (ShortTimes(1, 0, 2, 3),)
    exposed = read(HostMetrics(HandClock(), Machine(system=system, proc=tmp_path / "none", statvfs=fake_statvfs)).expose())
    assert sum(name.startswith("node_cpu_seconds_total") for name in exposed) == 4
    assert (exposed["node_memory_total_bytes"], exposed["node_memory_wired_bytes"], exposed["node_memory_swap_used_bytes"]) == (
        8000,
        70,
        20,
    )
    assert exposed["node_context_switches_total"] == 4000
    assert not any(name.startswith(("node_pressure", "node_vmstat", "node_filefd", "node_netstat")) for name in exposed)
    assert all(value == 1 for name, value in exposed.items() if name.startswith("node_scrape_collector_success"))


def test_the_real_machine() -> None:
    """What this machine exposes is valid, has no series twice, and nothing failed."""
    exposed = read(HostMetrics(RealClock()).expose())
    assert exposed["node_time_seconds"] > 1.7e9
    assert any(name.startswith("node_cpu_seconds_total") for name in exposed)
    assert all(value == 1 for name, value in exposed.items() if name.startswith("node_scrape_collector_success"))


def test_text() -> None:
    """Quotes, backslashes and line feeds are escaped, whole numbers have no point, families without samples are left out."""
    family = gauge("x", 'Say "a\\b"\nonce.', ({"path": 'a"\\\n'}, 3.0), ({}, 0.5), ({"n": "1"}, float("inf")))
    assert render([family, gauge("y", "Nothing.")]).decode() == (
        '# HELP x Say "a\\\\b"\\nonce.\n# TYPE x gauge\nx{path="a\\"\\\\\\n"} 3\nx 0.5\nx{n="1"} +Inf\n'
    )
