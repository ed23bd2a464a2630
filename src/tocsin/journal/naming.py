"""
The names of segment files.

    000000000012-9f31c07a55e2d4b8.open           being written
    000000000012-9f31c07a55e2d4b8.segment        closed, ready for the engine
    000000000012-9f31c07a55e2d4b8-a-b.segment    second half of its first half, after two splits
    traces-000000000012-9f31c07a55e2d4b8         its token: the stem behind the signal's word

The number orders. The sixteen random digits make the token unique for ever, also after every file was deleted and the numbers
began anew: the engine drops a second insert under a token it knows, so a token that came twice would lose data.
The first eight of them are the salt of the checksums inside; the halves of a split keep them, so frames move without change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tocsin.clock import Entropy
from tocsin.model.signal import Signal

OPEN = ".open"
CLOSED = ".segment"
UNFINISHED = ".tmp"  # a file that is being made beside its final name; removed at the next start
RANDOM_BYTES = 8
STEM = re.compile(r"(?P<sequence>\d{12,})-(?P<random>[0-9a-f]{16})(?P<halves>(?:-[ab])*)")


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """A segment's name in parts; names order as their segments were begun."""

    sequence: int
    random: str
    halves: str = ""

    @staticmethod
    def new(sequence: int, entropy: Entropy) -> SegmentName:
        """A name that was never used before."""
        return SegmentName(sequence, entropy.token_hex(RANDOM_BYTES))

    @staticmethod
    def parse(stem: str) -> SegmentName | None:
        """The name with that stem (no folder, no ending), None when it is no segment's."""
        match = STEM.fullmatch(stem)
        return SegmentName(int(match["sequence"]), match["random"], match["halves"]) if match else None

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return f"{self.sequence:012d}-{self.random}{self.halves}"

    @property
    def salt(self) -> int:
        """Where the checksums of its frames start, 32 bits."""
        return int(self.random[:8], 16)

    @property
    def split(self) -> tuple[SegmentName, SegmentName]:
        """The names of its two halves."""
        return replace(self, halves=self.halves + "-a"), replace(self, halves=self.halves + "-b")

    def token(self, signal: Signal) -> str:
        """What the engine knows the segment by."""
        return f"{signal.value}-{self.stem}"

    def is_part_of(self, other: SegmentName) -> bool:
        """Whether it was made by splitting the other one, at once or in several steps."""
        same = (self.sequence, self.random) == (other.sequence, other.random)
        return same and self.halves.startswith(other.halves) and self.halves != other.halves


def parse_token(token: str) -> tuple[Signal, SegmentName] | None:
    """The signal and the name that a token is made of, None when it is no token."""
    word, _, stem = token.partition("-")
    name = SegmentName.parse(stem)
    signal = next((signal for signal in Signal if signal.value == word), None)
    return (signal, name) if signal and name else None
