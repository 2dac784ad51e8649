"""Host memory as the device reaches it: through windows that the host has opened, every access on record.

The host opens a window for each ring and each buffer before it tells the device of it, and closes a buffer's when the
device has reported it done. An access that does not lie inside one window, or has not its right, is not performed:
the device sees a fault, the record keeps it, and no exception is raised.
"""

from __future__ import annotations

import bisect
from collections import deque
from dataclasses import dataclass
from enum import Flag, auto


class Right(Flag):
    """What a window lets the device do."""

    READ = auto()
    WRITE = auto()
    BOTH = READ | WRITE


@dataclass(frozen=True, slots=True)
class Window:
    """``length`` octets from ``address`` on; ``name`` is the host's and appears in the record."""

    address: int
    length: int
    right: Right
    name: str

    def holds(self, address: int, length: int) -> bool:
        return self.address <= address and address + length <= self.address + self.length


@dataclass(frozen=True, slots=True)
class Access:
    """One access by the device. ``window`` is None for a fault."""

    cycle: int
    right: Right
    address: int
    length: int
    window: str | None

    @property
    def fault(self) -> bool:
        return self.window is None


class Memory:
    """``size`` octets from address 0. ``history``: how many accesses are kept, the newest; None keeps all."""

    def __init__(self, size: int, history: int | None = None) -> None:
        self._octets = bytearray(size)
        self._starts: list[int] = []
        self._windows: list[Window] = []
        self.accesses: deque[Access] = deque(maxlen=history)
        self.faults: deque[Access] = deque(maxlen=history)
        self.fault_count = 0

    @property
    def size(self) -> int:
        return len(self._octets)

    @property
    def windows(self) -> tuple[Window, ...]:
        return tuple(self._windows)

    # The host's side.

    def read(self, address: int, length: int) -> bytes:
        """What the host reads. Raises ValueError outside memory."""
        self._need(address, length)
        return bytes(self._octets[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        """What the host writes. Raises ValueError outside memory."""
        self._need(address, len(data))
        self._octets[address : address + len(data)] = data

    def open(self, address: int, length: int, right: Right = Right.BOTH, name: str = "buffer") -> Window:
        """Let the device use these octets. Raises ValueError outside memory, when empty or over another window."""
        self._need(address, length)
        if length < 1:
            raise ValueError(f"a window needs octets, not {length}")
        place = bisect.bisect_left(self._starts, address)
        before, after = self._windows[place - 1 : place], self._windows[place : place + 1]
        if any(w.address + w.length > address for w in before) or any(w.address < address + length for w in after):
            raise ValueError(f"window {name} at {address:#x}+{length} lies over another")
        window = Window(address, length, right, name)
        self._starts.insert(place, address)
        self._windows.insert(place, window)
        return window

    def close(self, address: int) -> None:
        """Take the window that starts there away. Raises ValueError when there is none."""
        place = bisect.bisect_left(self._starts, address)
        if self._starts[place : place + 1] != [address]:
            raise ValueError(f"no window starts at {address:#x}")
        del self._starts[place], self._windows[place]

    def _need(self, address: int, length: int) -> None:
        if address < 0 or length < 0 or address + length > len(self._octets):
            raise ValueError(f"{address:#x}+{length} is outside the {len(self._octets)} octets of memory")

    # The device's side.

    def device_read(self, address: int, length: int, cycle: int = 0) -> bytes | None:
        """The octets, or None when the bus answers with a fault."""
        if not self._admit(Right.READ, address, length, cycle):
            return None
        return bytes(self._octets[address : address + length])

    def device_write(self, address: int, data: bytes, cycle: int = 0) -> bool:
        """False when the bus answers with a fault; memory is then as it was."""
        if not self._admit(Right.WRITE, address, len(data), cycle):
            return False
        self._octets[address : address + len(data)] = data
        return True

    def _admit(self, right: Right, address: int, length: int, cycle: int) -> bool:
        window = self._window(address, length)
        name = window.name if window and right in window.right else None
        access = Access(cycle, right, address, length, name)
        self.accesses.append(access)
        if name is None:
            self.faults.append(access)
            self.fault_count += 1
        return name is not None

    def _window(self, address: int, length: int) -> Window | None:
        place = bisect.bisect_right(self._starts, address) - 1
        if place < 0 or not self._windows[place].holds(address, length):
            return None
        return self._windows[place]
