"""Memory: how much there is of what kind (utilisation), paging and kills for want of it (saturation, errors)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tocsin.collect.host_families import Family, single

KIBIBYTE = 1024
PAGING = re.compile(r"oom_kill|pgpg|pswp|pg.*fault")
"""What node_exporter takes of /proc/vmstat by default, by the beginning of its name."""
ELSEWHERE = ("total", "free", "active", "inactive", "wired", "available")


def memory_families(system: Any, proc: Path) -> Iterator[Family]:
    """Every line of /proc/meminfo; elsewhere what psutil knows, under the names that node_exporter has on macOS."""
    meminfo = proc / "meminfo"
    if not meminfo.exists():
        yield from _memory_elsewhere(system)
        return
    for line in meminfo.read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        value, *unit = rest.split()
        name = name.replace("(", "_").replace(")", "")
        if unit == ["kB"]:
            yield single(f"node_memory_{name}_bytes", "gauge", f"Memory information field {name}_bytes.", float(value) * KIBIBYTE)
        else:
            yield single(f"node_memory_{name}", "gauge", f"Memory information field {name}.", float(value))


def paging_families(proc: Path) -> Iterator[Family]:
    """Pages read, written and faulted, and processes killed for want of memory."""
    for line in (proc / "vmstat").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(" ")
        if PAGING.match(name):
            yield single(f"node_vmstat_{name}", "untyped", f"/proc/vmstat information field {name}.", float(value))


def _memory_elsewhere(system: Any) -> Iterator[Family]:
    memory, swap = system.virtual_memory(), system.swap_memory()
    for name in ELSEWHERE:
        if hasattr(memory, name):
            yield single(f"node_memory_{name}_bytes", "gauge", f"Memory information field {name}_bytes.", getattr(memory, name))
    for name in ("total", "used"):
        yield single(f"node_memory_swap_{name}_bytes", "gauge", f"Memory information field swap_{name}_bytes.", getattr(swap, name))
