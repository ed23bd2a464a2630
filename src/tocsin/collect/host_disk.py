"""Disks (work done, time spent, queues) and file systems (room left, broken ones)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tocsin.collect.host_families import Family, counter, gauge

MILLISECONDS = 1000
IGNORED_DEVICES = re.compile(r"(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+")
"""Partitions, whose work their disks count already, and what is no disk."""
IGNORED_MOUNTS = re.compile(r"/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)")
IGNORED_TYPES = re.compile(
    r"autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|procfs?|pstore|"
    r"rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs"
)
NETWORK_TYPES = re.compile(r"nfs\d?|cifs|smb\d?|smbfs|afs|ceph|glusterfs|9p|fuse\.(sshfs|glusterfs|s3fs|rclone)|afpfs|webdav")
"""A server that is gone holds whoever asks for minutes, so nobody asks."""

# Field of psutil: metric, help, what it is divided by.
COUNTERS = {
    "read_count": ("node_disk_reads_completed_total", "Reads completed.", 1),
    "read_merged_count": ("node_disk_reads_merged_total", "Reads merged with others.", 1),
    "read_bytes": ("node_disk_read_bytes_total", "Bytes read.", 1),
    "read_time": ("node_disk_read_time_seconds_total", "Seconds spent by all reads.", MILLISECONDS),
    "write_count": ("node_disk_writes_completed_total", "Writes completed.", 1),
    "write_merged_count": ("node_disk_writes_merged_total", "Writes merged with others.", 1),
    "write_bytes": ("node_disk_written_bytes_total", "Bytes written.", 1),
    "write_time": ("node_disk_write_time_seconds_total", "Seconds spent by all writes.", MILLISECONDS),
    "busy_time": ("node_disk_io_time_seconds_total", "Seconds in which the disk had something to do.", MILLISECONDS),
}
IN_FLIGHT, WEIGHTED_TIME = 11, 13
"""Columns of /proc/diskstats that psutil leaves out. Source: Linux, Documentation/admin-guide/iostats.rst."""


def disk_families(system: Any, proc: Path) -> Iterator[Family]:
    """Work of whole disks."""
    disks = {
        device: counts
        for device, counts in (system.disk_io_counters(perdisk=True, nowrap=False) or {}).items()
        if not IGNORED_DEVICES.fullmatch(device)
    }
    for field, (name, help_text, divisor) in COUNTERS.items():
        samples = [({"device": device}, getattr(counts, field) / divisor) for device, counts in disks.items() if hasattr(counts, field)]
        yield counter(name, help_text, *samples)
    if (diskstats := proc / "diskstats").exists():
        yield from _queue_families(diskstats, set(disks))


def filesystem_families(system: Any, statvfs: Callable[[str], os.statvfs_result]) -> Iterator[Family]:
    """Room on the file systems of this machine; in a container the one at `/`, whatever its type."""
    size = gauge("node_filesystem_size_bytes", "Size of the file system in bytes.")
    free = gauge("node_filesystem_free_bytes", "Free bytes, those kept for root among them.")
    available = gauge("node_filesystem_avail_bytes", "Free bytes for everybody.")
    files = gauge("node_filesystem_files", "Inodes that the file system has.")
    files_free = gauge("node_filesystem_files_free", "Inodes that are free.")
    readonly = gauge("node_filesystem_readonly", "Whether it is mounted read-only.")
    broken = gauge("node_filesystem_device_error", "Whether it could not be asked.")
    for mount in _mounts(system):
        labels = {"device": mount.device, "fstype": mount.fstype, "mountpoint": mount.mountpoint}
        readonly.samples.append((labels, float("ro" in mount.opts.split(","))))
        try:
            found = statvfs(mount.mountpoint)
        except OSError:
            broken.samples.append((labels, 1.0))
            continue
        broken.samples.append((labels, 0.0))
        size.samples.append((labels, float(found.f_blocks * found.f_frsize)))
        free.samples.append((labels, float(found.f_bfree * found.f_frsize)))
        available.samples.append((labels, float(found.f_bavail * found.f_frsize)))
        files.samples.append((labels, float(found.f_files)))
        files_free.samples.append((labels, float(found.f_ffree)))
    yield from (available, broken, files, files_free, free, readonly, size)


def _mounts(system: Any) -> list[Any]:
    """Mounts that are file systems of this machine; of those mounted over each other the uppermost, which is what is seen."""
    chosen: dict[str, Any] = {}
    for mount in system.disk_partitions(all=True):
        chosen.pop(mount.mountpoint, None)
        ignored = IGNORED_MOUNTS.match(mount.mountpoint) or IGNORED_TYPES.fullmatch(mount.fstype)
        if (not ignored or mount.mountpoint == "/") and not NETWORK_TYPES.fullmatch(mount.fstype):
            chosen[mount.mountpoint] = mount
    return list(chosen.values())


def _queue_families(diskstats: Path, devices: set[str]) -> Iterator[Family]:
    waiting = gauge("node_disk_io_now", "Requests that the disk works on now.")
    weighted = counter("node_disk_io_time_weighted_seconds_total", "Seconds spent by all requests: its rate is the length of the queue.")
    for line in diskstats.read_text(encoding="utf-8").splitlines():
        columns = line.split()
        if len(columns) > WEIGHTED_TIME and columns[2] in devices:
            waiting.samples.append(({"device": columns[2]}, float(columns[IN_FLIGHT])))
            weighted.samples.append(({"device": columns[2]}, float(columns[WEIGHTED_TIME]) / MILLISECONDS))
    yield waiting
    yield weighted
