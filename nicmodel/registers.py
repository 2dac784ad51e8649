"""The register file: offsets, reset values, and what reading and writing do. docs/nicmodel.md describes the bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, IntFlag

ALL = 0xFFFF_FFFF

CTRL = 0x000
STATUS = 0x004
IDENT = 0x008
TXCTL = 0x010
RXCTL = 0x014
MAXFRAME = 0x018
MACLO = 0x020
MACHI = 0x024
OFFLOAD = 0x028
TSOCTL = 0x02C
RSCCTL = 0x030
RSCTIME = 0x034
VLANCTL = 0x038
VLANTPID = 0x03C
HASHTYPES = 0x040
RSSCTL = 0x044
DEFAULTQ = 0x048
RSSKEY = 0x080
"""10 words: octet 0 of the key is bits 7:0 of the first."""
RETA = 0x100
"""32 words, four entries of 8 bits each, the lowest entry in bits 7:0."""
VLANFILTER = 0x200
"""128 words: VLAN v is bit v % 32 of word v / 32."""
FLOWRULE = 0x400
"""16 rules of five words, 0x20 apart."""
STATISTICS = 0x600

RSSKEY_WORDS, RETA_WORDS, VLANFILTER_WORDS = 10, 32, 128
FLOWRULES, FLOWRULE_STRIDE = 16, 0x20

QUEUE, QUEUE_STRIDE = 0x1000, 0x100
TX, RX = 0x00, 0x40
"""Where a queue's block holds its transmit and its receive ring."""
BASELO, BASEHI, LENGTH, HEAD, TAIL, QCTL, QSTATUS = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18
CAUSE, MASK, INTERVAL, DELAY, LATEST, ICTL = 0x80, 0x84, 0x88, 0x8C, 0x90, 0x94

IDENTITY = 0x57504E31
MOST_QUEUES = 8


class Ctrl(IntFlag):
    RESET = 1 << 0
    LOOPBACK = 1 << 1


class Status(IntFlag):
    READY = 1 << 0
    LINK = 1 << 1


class TxCtl(IntFlag):
    ENABLE = 1 << 0
    PAD = 1 << 1


class RxCtl(IntFlag):
    ENABLE = 1 << 0
    PROMISCUOUS = 1 << 1
    ALL_MULTICAST = 1 << 2
    BROADCAST = 1 << 3


class Offload(IntFlag):
    TX_CHECKSUM = 1 << 0
    TSO = 1 << 1
    USO = 1 << 2
    TX_VLAN = 1 << 3
    RX_CHECKSUM = 1 << 8
    RSC = 1 << 9
    RSS = 1 << 10
    FLOW_RULES = 1 << 11


class TsoCtl(IntFlag):
    FIXED_ID = 1 << 0
    CWR_ALL = 1 << 1


class RscCtl(IntFlag):
    """Bits 7:0 are the most frames in a train."""

    GRO = 1 << 8


class VlanCtl(IntFlag):
    STRIP_C = 1 << 0
    STRIP_S = 1 << 1
    FILTER = 1 << 2


class HashTypes(IntFlag):
    IPV4 = 1 << 0
    TCP_IPV4 = 1 << 1
    UDP_IPV4 = 1 << 2
    IPV6 = 1 << 3
    TCP_IPV6 = 1 << 4
    UDP_IPV6 = 1 << 5


class RssCtl(IntFlag):
    """Bits 2:0 are the logarithm of the number of entries in use."""

    SYMMETRIC = 1 << 8


class QCtl(IntFlag):
    ENABLE = 1 << 0


class QStatus(IntFlag):
    FAULT = 1 << 0
    BAD_RING = 1 << 1
    BAD_TAIL = 1 << 2


class Cause(IntFlag):
    """Of a queue's vector."""

    TX_DONE = 1 << 0
    RX_DONE = 1 << 1
    RX_EMPTY = 1 << 2
    TX_ERROR = 1 << 3
    RX_ERROR = 1 << 4
    STOPPED = 1 << 5


class ICtl(IntFlag):
    AUTO_CLEAR = 1 << 0
    AUTO_MASK = 1 << 1


class Kind(Enum):
    RW = "read and write"
    RO = "read only"
    W1C = "write 1 to clear"
    RC = "cleared by reading"


@dataclass(frozen=True, slots=True)
class Register:
    """``mask``: the bits that exist. ``lock``: the register whose bit 0, while set, makes this one read only."""

    name: str
    offset: int
    kind: Kind = Kind.RW
    reset: int = 0
    mask: int = ALL
    lock: int | None = None


def of_queue(register: int, queue: int) -> int:
    """The offset of a queue's register; transmit is ``TX + HEAD``, receive ``RX + HEAD``."""
    return QUEUE + queue * QUEUE_STRIDE + register


def of_rule(rule: int, word: int) -> int:
    """The offset of one of the five words of a flow rule."""
    return FLOWRULE + rule * FLOWRULE_STRIDE + 4 * word


def _global(queues: int) -> Iterator[Register]:
    yield Register("CTRL", CTRL, mask=0b11)
    yield Register("STATUS", STATUS, Kind.RO, Status.READY | Status.LINK | queues << 8)
    yield Register("IDENT", IDENT, Kind.RO, IDENTITY)
    yield Register("TXCTL", TXCTL, mask=0b11)
    yield Register("RXCTL", RXCTL, mask=0b1111)
    yield Register("MAXFRAME", MAXFRAME, reset=1514, mask=0x3FFF)
    yield Register("MACLO", MACLO)
    yield Register("MACHI", MACHI, mask=0xFFFF)
    yield Register("OFFLOAD", OFFLOAD, mask=0x0F0F)
    yield Register("TSOCTL", TSOCTL, mask=0b11)
    yield Register("RSCCTL", RSCCTL, reset=32, mask=0x1FF)
    yield Register("RSCTIME", RSCTIME, reset=2048)
    yield Register("VLANCTL", VLANCTL, mask=0b111)
    yield Register("VLANTPID", VLANTPID, reset=0x88A8_8100)
    yield Register("HASHTYPES", HASHTYPES, mask=0b11_1111)
    yield Register("RSSCTL", RSSCTL, reset=7, mask=0x107)
    yield Register("DEFAULTQ", DEFAULTQ, mask=0xFF)


def _tables() -> Iterator[Register]:
    for name, start, words in (
        ("RSSKEY", RSSKEY, RSSKEY_WORDS),
        ("RETA", RETA, RETA_WORDS),
        ("VLANFILTER", VLANFILTER, VLANFILTER_WORDS),
    ):
        yield from (Register(f"{name}[{i}]", start + 4 * i) for i in range(words))
    for rule in range(FLOWRULES):
        for word, (name, mask) in enumerate(
            (("CONTROL", 0xC33F_00FF), ("SOURCE", ALL), ("DESTINATION", ALL), ("PORTS", ALL), ("MATCH", 0x0FFF_00FF))
        ):
            yield Register(f"FLOW[{rule}].{name}", of_rule(rule, word), mask=mask)


def _ring(name: str, start: int) -> Iterator[Register]:
    lock = start + QCTL
    yield Register(f"{name}BASELO", start + BASELO, lock=lock)
    yield Register(f"{name}BASEHI", start + BASEHI, lock=lock)
    yield Register(f"{name}LENGTH", start + LENGTH, mask=0xFFFF, lock=lock)
    yield Register(f"{name}HEAD", start + HEAD, Kind.RO)
    yield Register(f"{name}TAIL", start + TAIL, mask=0xFFFF)
    yield Register(f"{name}CTL", start + QCTL, mask=1)
    yield Register(f"{name}STATUS", start + QSTATUS, Kind.W1C, mask=0b111)


def _vector(name: str, start: int) -> Iterator[Register]:
    yield Register(f"{name}CAUSE", start + CAUSE, Kind.W1C, mask=0xFF)
    yield Register(f"{name}MASK", start + MASK, mask=0xFF)
    yield Register(f"{name}INTERVAL", start + INTERVAL, mask=0xF_FFFF)
    yield Register(f"{name}DELAY", start + DELAY, mask=0xF_FFFF)
    yield Register(f"{name}LATEST", start + LATEST, mask=0xF_FFFF)
    yield Register(f"{name}ICTL", start + ICTL, mask=0b11)


def register_map(queues: int) -> Iterator[Register]:
    """Every register of a device with so many queues, but for the statistics."""
    yield from _global(queues)
    yield from _tables()
    for queue in range(queues):
        yield from _ring(f"Q{queue}.TX", of_queue(TX, queue))
        yield from _ring(f"Q{queue}.RX", of_queue(RX, queue))
        yield from _vector(f"Q{queue}.", of_queue(0, queue))


class RegisterFile:
    """``read`` and ``write`` are the host's; ``get`` and ``set`` are the device's own wires, without side effects."""

    def __init__(self, registers: Iterator[Register]) -> None:
        self.registers = {register.offset: register for register in registers}
        self._values: dict[int, int] = {}
        self.on_write: dict[int, Callable[[int, int], None]] = {}
        """Called with the old and the new value after a write that took place."""
        self.on_read: dict[int, Callable[[], int]] = {}
        self.reset()

    def reset(self) -> None:
        self._values = {register.offset: int(register.reset) for register in self.registers.values()}

    def get(self, offset: int) -> int:
        return self._values[offset]

    def set(self, offset: int, value: int) -> None:
        self._values[offset] = int(value) & ALL

    def read(self, offset: int) -> int:
        """A reserved or misaligned offset reads 0."""
        if (register := self.registers.get(offset)) is None:
            return 0
        if offset in self.on_read:
            return self.on_read[offset]()
        value = self._values[offset]
        if register.kind is Kind.RC:
            self._values[offset] = 0
        return value

    def write(self, offset: int, value: int) -> None:
        """A write to a reserved, misaligned, read-only or locked offset has no effect."""
        register = self.registers.get(offset)
        if register is None or register.kind in (Kind.RO, Kind.RC):
            return
        if register.lock is not None and self._values[register.lock] & 1:
            return
        old = self._values[offset]
        new = old & ~value if register.kind is Kind.W1C else value & register.mask
        self._values[offset] = new & ALL
        if offset in self.on_write:
            self.on_write[offset](old, new & ALL)
