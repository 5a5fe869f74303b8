"""Random streams that depend on nothing but seed, purpose, day and fork.

Philox is counter-based: the draws of a day are the same whether the run ends that evening or a year later, so a later
end date never changes what was already delivered.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

_FIRST_DAY = 1_000_000


class Stream(IntEnum):
    """What a stream is drawn for; a new purpose gets a new number, so that it moves no other draw."""

    PARTIES = 1
    NETWORK = 2
    OPENING = 3
    CYCLE = 4
    CORE = 5
    SHOCK = 6
    ORDER = 7
    INVOICE = 8
    OUTSIDE = 9
    HARDSHIP = 10
    MASTER = 11
    CLOCK = 12
    FAULT = 13
    FAULT_ROW = 14
    DOCUMENT = 15
    IDENTITY = 16
    SCHEME = 17
    INCIDENT = 18


@dataclass(frozen=True)
class Streams:
    """All streams of one run. ``fork`` 0 is the run itself, each other number another future of it."""

    seed: int
    fork: int = 0

    def on(self, stream: Stream, day: int = 0, part: int = 0) -> np.random.Generator:
        """A fresh generator for one purpose on one day (negative days precede the start)."""
        counter = np.array([0, _FIRST_DAY + day, (int(stream) << 32) + part, self.fork], dtype=np.uint64)
        key = np.array([self.seed % 2**64, 0x616E63686F72], dtype=np.uint64)
        return np.random.Generator(np.random.Philox(counter=counter, key=key))
