"""
A labelled set of log lines, to measure how well patterns are mined: every line knows the statement in a program that would have written it.

    Line("user 4711 logged in from 10.0.3.9", label="user {int} logged in from {ip}")

The statements are our own, of the kinds that Python and AI services write, and some are hard on purpose: names that vary as words, lines
that differ in one word but mean something else, lists of varying length.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tocsin.clock import SeededEntropy

# fmt: off
STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "web": (
        "{method} {path} {status} {ms} ms",
        "user {name} logged in from {ip}",
        "user {name} logged out",
        "login failed for {email}: wrong password",
        "login failed for {email}: account is locked",
        "session {uuid} expired after {int} minutes",
        "upstream {host} answered {status} in {ms} ms",
        "upstream {host} did not answer within {int} s",
        "rate limit reached for key {hex}: {int} requests per minute",
        "request {uuid} was cancelled by the client",
        "template {path} rendered in {ms} ms",
        "cache miss for key {word}:{int}",
        "cache hit for key {word}:{int}",
        "worker {int} booted with pid {int}",
        "worker {int} exits with signal {int}",
    ),
    "orders": (
        "order {int} is paid",
        "order {int} is declined",
        "order {int} is unpaid",
        "charge for order {int} failed: connection reset by {host}",
        "charge for order {int} is approved, {int} cents",
        "full table scan on {word}, {int} rows, missing index on {word}",
        "connection pool exhausted: {int} of {int} are in use, waited {ms} s",
        "deadlock detected on relation {int}, transaction {hex} rolled back",
        "slow query took {ms} ms: {quoted}",
        "migrated schema from version {int} to {int}",
        "inventory of {word} is down to {int}",
        "coupon {hex} applied to basket {uuid}",
        "currency rates refreshed at {time}",
        "checkout of {name} abandoned after {int} s",
    ),
    "worker": (
        "task {word}.{word}[{uuid}] received",
        "task {word}.{word}[{uuid}] succeeded in {ms}s",
        "task {word}.{word}[{uuid}] raised unexpected: {error}",
        "retry {int} of {int} for job {int} in {int} s",
        "queue {word} holds {int} messages, the oldest is {int} s old",
        "heartbeat sent to {host}:{int}",
        "lost connection to broker {host}:{int}, reconnecting in {int} s",
        "wrote {int} bytes to {path}",
        "could not open {path}: permission denied",
        "could not open {path}: no such file",
        "disk {path} is {int}% full",
        "rotated log file {path}",
        "snapshot {hex} uploaded to {url}",
        "cron {quoted} starts at {time}",
    ),
    "assistant": (
        "model {word} answered with {int} tokens in {ms} ms",
        "retrieve found {int} passages for {quoted}",
        "retrieve failed: no answer from {host} within {ms} s",
        "prompt of {int} tokens exceeds the context of {int}",
        "provider {word} returned status {status}, backing off {ms} s",
        "tool {word} called with {int} arguments",
        "tool {word} failed: {error}",
        "conversation {uuid} has {int} turns",
        "guardrail {word} blocked the answer",
        "embedding batch of {int} documents took {ms} ms",
        "answer scored {ms} for groundedness",
        "streaming to {ip} stopped after {int} chunks",
    ),
}
# Written after the thresholds of the miner were chosen, so that they can say how well these hold.
OTHER_STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "database": (
        "checkpoint complete: wrote {int} buffers ({ms}%); {int} WAL files added",
        "autovacuum of table {word}.{word} took {ms} s",
        "could not connect to host {host} port {int}: connection refused",
        "duplicate key value violates unique constraint {quoted}",
        "statement timeout after {int} ms: {quoted}",
        "replication slot {word} lags by {int} bytes",
        "user {name} authenticated via scram",
        "user {name} denied: no entry in access file",
        "temporary file {path} of size {int} removed",
    ),
    "cluster": (
        "pulled image {host}/{word}:{hex} in {ms}s",
        "back-off restarting failed container {word} in pod {word}-{hex}",
        "node {word} is not ready: kubelet stopped posting status",
        "scaled up replica set {word}-{hex} to {int}",
        "liveness probe failed: HTTP probe failed with status {status}",
        "evicting pod {word}-{hex}: memory pressure",
        "mounted volume {path} for pod {uuid}",
    ),
    "training": (
        "epoch {int}/{int} loss {ms} accuracy {ms}",
        "loaded checkpoint {path} at step {int}",
        "cuda out of memory: tried to allocate {int} MiB",
        "dataset {word} has {int} rows and {int} columns",
        "feature {word} drifted: psi {ms} above {ms}",
        "inference of batch {int} took {ms} ms on {word}",
        "tokenizer {word} truncated {int} of {int} documents",
        "evaluation of {word} by {name} finished: {ms}",
    ),
    "shop": (
        "cart {uuid} checked out by {name} with {int} items",
        "coupon {word} expired on {time}",
        "refund of {int} cents to {email}",
        "parcel {hex} handed to {word}",
        "parcel {hex} returned by {name}",
        "stock of {word} low: {int} left",
        "GET {url} failed with {error}",
        "webhook to {url} answered {status} after {int} attempts",
    ),
}
WORDS = {
    "method": ("GET", "POST", "PUT", "DELETE", "PATCH"),
    "name": ("ada", "grace", "alan", "barbara", "edsger", "donald", "margaret", "niklaus", "frances", "dennis", "ken", "radia"),
    "word": ("orders", "billing", "search", "mail", "images", "users", "catalog", "audit", "reports", "exports", "events", "ledger"),
    "host": ("db-1.internal", "cache.internal", "payments.example", "queue-3.internal", "search.example", "auth.internal"),
    "error": ("KeyError('sku')", "TimeoutError()", "ValueError('empty')", "ConnectionError('refused')", "ZeroDivisionError()"),
    "status": ("200", "201", "301", "400", "404", "409", "429", "500", "502", "503"),
}
# fmt: on
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a service's log, and the statement that wrote it."""

    service: str
    text: str
    label: str


def labelled_lines(count: int, *, seed: int = 1, statements: Mapping[str, tuple[str, ...]] = STATEMENTS) -> list[Line]:
    """
    Lines of all services, each statement about equally often.

    Args:
        count: How many.
        seed: The same seed makes the same lines.
        statements: By service.
    """
    rolls = _Rolls(seed)
    known = [(service, statement) for service, own in statements.items() for statement in own]
    chosen = [known[rolls.below(len(known))] for _ in range(count)]
    return [Line(service, _PLACE.sub(lambda place: _value(place[1], rolls), statement), statement) for service, statement in chosen]


def grouping_accuracy(pairs: Iterable[tuple[str, str]]) -> float:
    """
    Share of lines whose pattern holds exactly the lines of their statement, none more and none less, 0 to 1.

    Args:
        pairs: For each line its statement and the pattern that it was given.

    Source: Zhu et al., 'Tools and Benchmarks for Automated Log Parsing', ICSE-SEIP 2019.
    """
    lines = list(pairs)
    by_label: dict[str, set[int]] = defaultdict(set)
    by_pattern: dict[str, set[int]] = defaultdict(set)
    for number, (label, pattern) in enumerate(lines):
        by_label[label].add(number)
        by_pattern[pattern].add(number)
    right = sum(by_label[label] == by_pattern[pattern] for label, pattern in lines)
    return right / len(lines) if lines else 1.0


class _Rolls:
    """Seeded chance."""

    def __init__(self, seed: int) -> None:
        self._entropy = SeededEntropy(seed)

    def below(self, bound: int) -> int:
        return int(self._entropy.token_hex(8), 16) % bound

    def choice(self, options: Sequence[str]) -> str:
        return options[self.below(len(options))]

    def hexadecimal(self, size_bytes: int) -> str:
        return self._entropy.token_hex(size_bytes)


def _value(kind: str, rolls: _Rolls) -> str:
    if kind in WORDS:
        return rolls.choice(WORDS[kind])
    match kind:
        case "int":
            return str(1 + rolls.below(10 ** (1 + rolls.below(6))))
        case "ms":
            return f"{rolls.below(10_000) / 10:.1f}"
        case "ip":
            return ".".join(str(rolls.below(256)) for _ in range(4))
        case "hex":
            return rolls.hexadecimal(8)
        case "uuid":
            text = rolls.hexadecimal(16)
            return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
        case "email":
            return f"{rolls.choice(WORDS['name'])}{rolls.below(100)}@mail.example"
        case "path":
            return f"/{rolls.choice(WORDS['word'])}/{rolls.choice(WORDS['word'])}/{rolls.below(10_000)}"
        case "url":
            return f"https://store.example/{rolls.choice(WORDS['word'])}/{rolls.below(10_000)}"
        case "time":
            return f"2026-{1 + rolls.below(12):02d}-{1 + rolls.below(28):02d}T{rolls.below(24):02d}:00:00Z"
        case _:
            words = " ".join(rolls.choice(WORDS["word"]) for _ in range(1 + rolls.below(5)))
            return f'"{words}"'
