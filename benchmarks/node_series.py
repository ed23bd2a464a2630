"""
Series as node exporters make them, as remote write carries them: 100 machines with 100 series each, a sample every 15 seconds.

Per machine: 32 processor counters in seconds with two decimals, 24 network counters, 18 disk counters, 16 memory gauges in pages, 6 load
and ratio gauges, 4 constants. As on real machines most of them hardly move: time stolen or waited for, errors, the second disk, the unused
network. Bodies are made by NumPy: a sample is always 18 bytes on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cramjam
import numpy as np
from numpy.typing import NDArray

MACHINES = 100
INTERVAL_MS = 15_000
SERIES_PER_REQUEST = 500
SAMPLES_PER_REQUEST = 120  # of each series: half an hour
MODES = ("user", "system", "idle", "iowait", "irq", "softirq", "steal", "nice")
QUIET_MODES = {"iowait", "irq", "softirq", "steal", "nice"}
CONSTANTS = ("node_boot_time_seconds", "node_memory_MemTotal_bytes", "node_filefd_maximum", "node_uname_info")
GAUGES = ("MemFree", "MemAvailable", "Buffers", "Cached", "Active", "Inactive", "Dirty", "Mapped") * 2


@dataclass(frozen=True, slots=True)
class Body:
    """A remote write 1.0 request: compressed body, samples in it."""

    data: bytes
    samples: int


def series_labels() -> list[dict[str, str]]:
    """The labels of all series, machine by machine."""
    return [
        {"job": "node", "instance": f"machine-{machine:03d}:9100", **labels} for machine in range(MACHINES) for labels in _one_machine()
    ]


def bodies(*, start_ms: int, hours: float, seed: int = 7) -> Iterator[Body]:
    """Requests in order of time, `hours` of samples from `start_ms` on."""
    labels = series_labels()
    heads = [_labels_bytes(one) for one in labels]
    walk = _Walk([_kind(one) for one in labels], np.random.default_rng(seed))
    count = int(hours * 3_600_000 / INTERVAL_MS)
    for first in range(0, count, SAMPLES_PER_REQUEST):
        size = min(SAMPLES_PER_REQUEST, count - first)
        timestamps = start_ms + (first + np.arange(size, dtype=np.int64)) * INTERVAL_MS
        values = walk.next(size)
        for begin in range(0, len(labels), SERIES_PER_REQUEST):
            part = slice(begin, begin + SERIES_PER_REQUEST)
            raw = _request(heads[part], timestamps, values[part])
            yield Body(bytes(cramjam.snappy.compress_raw(raw)), size * len(heads[part]))


class _Walk:
    """Values that go on from request to request, [series, samples]."""

    def __init__(self, kinds: list[str], rng: np.random.Generator) -> None:
        self._rng = rng
        self._kinds = np.array(kinds)
        self._level = rng.uniform(0.05, 1.0, len(kinds))
        self._last = np.round(rng.uniform(0, 1e5, len(kinds)))

    def next(self, size: int) -> NDArray[np.float64]:
        rng, count = self._rng, len(self._kinds)
        out = np.empty((count, size))
        for kind in np.unique(self._kinds):
            rows = np.flatnonzero(self._kinds == kind)
            level, last, shape = self._level[rows, None], self._last[rows, None], (len(rows), size)
            match kind:
                case "seconds":
                    out[rows] = np.round(last + np.cumsum(np.round(rng.gamma(2.0, 7.5, shape) * level, 2), axis=1), 2)
                case "quiet":
                    out[rows] = np.round(last + np.cumsum(np.where(rng.random(shape) < 0.05 * level, 0.01, 0.0), axis=1), 2)
                case "counter":
                    busy = rng.random(shape) < np.clip(level, 0.1, 1.0)
                    out[rows] = last + np.cumsum(np.where(busy, rng.poisson(2000 * level, shape), 0), axis=1)
                case "pages":
                    moved = np.where(rng.random(shape) < 0.6, rng.normal(0, 300 * level, shape), 0)
                    out[rows] = 4096 * np.round(last / 4096 + 1e5 + np.cumsum(np.round(moved), axis=1))
                case "ratio":
                    out[rows] = np.round(np.abs(rng.normal(level, 0.05, shape)), 2)
                case _:
                    out[rows] = np.round(last)
        keeps = np.isin(self._kinds, ("seconds", "quiet", "counter"))
        self._last[keeps] = out[keeps, -1]
        return out


def _one_machine() -> Iterator[dict[str, str]]:
    for cpu in range(4):
        for mode in MODES:
            yield {"__name__": "node_cpu_seconds_total", "cpu": str(cpu), "mode": mode}
    for device in ("eth0", "eth1", "lo", "docker0"):
        for what in ("receive_bytes", "transmit_bytes", "receive_packets", "transmit_packets", "receive_errs", "transmit_drop"):
            yield {"__name__": f"node_network_{what}_total", "device": device}
    for device in ("sda", "sdb", "nvme0n1"):
        for what in ("read_bytes", "written_bytes", "reads_completed", "writes_completed", "io_time_seconds", "read_time_seconds"):
            yield {"__name__": f"node_disk_{what}_total", "device": device}
    for place, name in enumerate(GAUGES):
        yield {"__name__": f"node_memory_{name}_bytes", "zone": str(place // 8)}
    for name in ("node_load1", "node_load5", "node_load15", "node_pressure_cpu", "node_pressure_io", "node_pressure_memory"):
        yield {"__name__": name}
    for name in CONSTANTS:
        yield {"__name__": name}


def _kind(labels: dict[str, str]) -> str:
    name = labels["__name__"]
    if labels.get("mode") in QUIET_MODES:
        return "quiet"
    if name in CONSTANTS or labels.get("device") in {"docker0", "sdb"} or "errs" in name or "drop" in name:
        return "constant"
    if name.endswith("seconds_total"):
        return "seconds"
    if name.endswith("_total"):
        return "counter"
    return "pages" if name.startswith("node_memory") else "ratio"


def _request(heads: list[bytes], timestamps: NDArray[np.int64], values: NDArray[np.float64]) -> bytes:
    samples = np.empty((*values.shape, 18), dtype=np.uint8)
    samples[..., 0], samples[..., 1], samples[..., 2], samples[..., 11] = 0x12, 16, 0x09, 0x10
    samples[..., 3:11] = values.astype("<f8").view(np.uint8).reshape(*values.shape, 8)
    for place in range(6):  # milliseconds of our time have 41 bits
        samples[..., 12 + place] = (timestamps >> (7 * place)) & 0x7F | (0x80 if place < 5 else 0)
    parts = []
    for head, rows in zip(heads, samples, strict=True):
        body = head + rows.tobytes()
        parts += [b"\x0a", _varint(len(body)), body]
    return b"".join(parts)


def _labels_bytes(labels: dict[str, str]) -> bytes:
    out = b""
    for name, value in sorted(labels.items()):
        pair = b"\x0a" + _varint(len(name)) + name.encode() + b"\x12" + _varint(len(value)) + value.encode()
        out += b"\x0a" + _varint(len(pair)) + pair
    return out


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
