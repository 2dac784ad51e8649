"""Counters that the host reads: each read gives what was counted since the last one."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import partial

from wireproof.nicmodel.registers import ALL, STATISTICS, Kind, Register, RegisterFile


class Counter(Enum):
    """The value is the register's place after ``STATISTICS``, in words."""

    TX_FRAMES = 0
    TX_OCTETS = 1
    RX_FRAMES = 3
    RX_OCTETS = 4
    RX_MISSED = 6
    RX_RUNT = 7
    RX_LONG = 8
    RX_FILTERED = 9
    RX_VLAN_FILTERED = 10
    RX_RULE_DROPPED = 11
    RX_IP_CHECKSUM = 12
    RX_L4_CHECKSUM = 13
    TX_ERRORS = 14
    RX_ERRORS = 15
    TSO_PACKETS = 16
    TSO_SEGMENTS = 17
    RSC_MERGED = 18
    RSC_TRAINS = 19
    BUS_FAULTS = 20


WIDE = (Counter.TX_OCTETS, Counter.RX_OCTETS)
"""64 bits in two words: reading the low word latches the high one."""


def offset_of(counter: Counter) -> int:
    """The register of a counter; of a wide one, the low word."""
    return STATISTICS + 4 * counter.value


def statistics_map() -> Iterator[Register]:
    for counter in Counter:
        yield Register(counter.name, offset_of(counter), Kind.RC)
        if counter in WIDE:
            yield Register(f"{counter.name}_HIGH", offset_of(counter) + 4, Kind.RC)


class Statistics:
    """Narrow counters stay at their greatest value, wide ones wrap."""

    def __init__(self, registers: RegisterFile, defects: frozenset[str]) -> None:
        self._registers = registers
        self._defects = defects
        self._wide = dict.fromkeys(WIDE, 0)
        for counter in WIDE:
            registers.on_read[offset_of(counter)] = partial(self._latch, counter)
        if "statistics-not-cleared" in defects:
            for counter in Counter:
                if counter not in WIDE:
                    offset = offset_of(counter)
                    registers.on_read[offset] = partial(registers.get, offset)

    def reset(self) -> None:
        self._wide = dict.fromkeys(WIDE, 0)

    def add(self, counter: Counter, amount: int = 1) -> None:
        if counter in WIDE:
            self._wide[counter] = (self._wide[counter] + amount) % (1 << 64)
        else:
            offset = offset_of(counter)
            self._registers.set(offset, min(self._registers.get(offset) + amount, ALL))

    def _latch(self, counter: Counter) -> int:
        value, self._wide[counter] = self._wide[counter], 0
        self._registers.set(offset_of(counter) + 4, value >> 32)
        return value & ALL
