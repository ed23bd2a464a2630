"""The network: traffic, errors and drops of interfaces, and how TCP and UDP fare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tocsin.collect.host_families import Family, counter, gauge, single

BITS_PER_MEGABIT = 1_000_000
COUNTERS = {
    "bytes_recv": ("node_network_receive_bytes_total", "Bytes received."),
    "packets_recv": ("node_network_receive_packets_total", "Packets received."),
    "errin": ("node_network_receive_errs_total", "Errors while receiving."),
    "dropin": ("node_network_receive_drop_total", "Packets dropped on arrival."),
    "bytes_sent": ("node_network_transmit_bytes_total", "Bytes sent."),
    "packets_sent": ("node_network_transmit_packets_total", "Packets sent."),
    "errout": ("node_network_transmit_errs_total", "Errors while sending."),
    "dropout": ("node_network_transmit_drop_total", "Packets dropped instead of sent."),
}
PROTOCOL_FIELDS = {
    "Tcp": ("ActiveOpens", "PassiveOpens", "CurrEstab", "InSegs", "OutSegs", "RetransSegs", "InErrs", "OutRsts"),
    "TcpExt": ("ListenDrops", "ListenOverflows", "TCPSynRetrans", "TCPTimeouts", "TCPRcvQDrop"),
    "Udp": ("InDatagrams", "OutDatagrams", "InErrors", "NoPorts", "RcvbufErrors", "SndbufErrors"),
}


def interface_families(system: Any) -> Iterator[Family]:
    """Traffic of each interface, whether it is up, and how fast it is where its driver says so."""
    counts = system.net_io_counters(pernic=True, nowrap=False) or {}
    for field, (name, help_text) in COUNTERS.items():
        yield counter(name, help_text, *(({"device": device}, getattr(found, field)) for device, found in counts.items()))
    states = {device: state for device, state in system.net_if_stats().items() if device in counts}
    yield gauge("node_network_up", "Whether the interface is up.", *(({"device": name}, float(item.isup)) for name, item in states.items()))
    yield gauge("node_network_mtu_bytes", "Largest packet.", *(({"device": name}, float(item.mtu)) for name, item in states.items()))
    yield gauge(
        "node_network_speed_bytes",
        "Bytes that the interface can carry in a second.",
        *(({"device": name}, item.speed * BITS_PER_MEGABIT / 8) for name, item in states.items() if item.speed > 0),
    )


def connection_families(proc: Path) -> Iterator[Family]:
    """Counts of TCP and UDP, and the table of tracked connections where there is one."""
    for file in ("net/snmp", "net/netstat"):
        lines = (proc / file).read_text(encoding="ascii").splitlines()
        for names, values in zip(lines[::2], lines[1::2], strict=True):
            protocol = names.partition(":")[0]
            found = dict(zip(names.split()[1:], values.split()[1:], strict=True))
            for field in PROTOCOL_FIELDS.get(protocol, ()):
                if field in found:
                    yield single(f"node_netstat_{protocol}_{field}", "untyped", f"Statistic {protocol}{field}.", float(found[field]))
    tracked, limit = proc / "sys/net/netfilter/nf_conntrack_count", proc / "sys/net/netfilter/nf_conntrack_max"
    if tracked.exists() and limit.exists():
        yield single("node_nf_conntrack_entries", "gauge", "Connections that are tracked.", float(tracked.read_text(encoding="ascii")))
        yield single("node_nf_conntrack_entries_limit", "gauge", "How many there may be.", float(limit.read_text(encoding="ascii")))
