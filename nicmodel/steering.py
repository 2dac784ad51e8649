"""To which queue a frame goes: flow rules first, then the hash through the indirection table, then the default."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from wireproof.nicmodel.headers import TCP, UDP, Layout
from wireproof.nicmodel.registers import (
    DEFAULTQ,
    FLOWRULES,
    HASHTYPES,
    OFFLOAD,
    RETA,
    RSSCTL,
    RSSKEY,
    RSSKEY_WORDS,
    HashTypes,
    Offload,
    RegisterFile,
    RssCtl,
    of_rule,
)
from wireproof.nicmodel.toeplitz import toeplitz

VALID, DROP = 1 << 31, 1 << 30
PROTOCOL, SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT, VLAN = (1 << bit for bit in range(16, 22))
ONLY_IPV4, ONLY_IPV6 = 1 << 24, 1 << 25


class HashType(IntEnum):
    """As reported in the receive descriptor."""

    NONE = 0
    IPV4 = 1
    TCP_IPV4 = 2
    UDP_IPV4 = 3
    IPV6 = 4
    TCP_IPV6 = 5
    UDP_IPV6 = 6


@dataclass(frozen=True, slots=True)
class Steering:
    """``rule``: the flow rule that matched. ``drop``: it asks for the frame to be dropped."""

    queue: int
    hash: int = 0
    type: HashType = HashType.NONE
    rule: int | None = None
    drop: bool = False


class Steerer:
    """Reads its registers for every frame, so a change holds from the next frame on."""

    def __init__(self, registers: RegisterFile, defects: frozenset[str]) -> None:
        self._registers = registers
        self._defects = defects

    def steer(self, layout: Layout) -> Steering:
        kind, value = self._hash(layout)
        rule = self._matching_rule(layout)
        if rule is not None:
            control = self._registers.get(of_rule(rule, 0))
            return Steering(control & 0xFF, value, kind, rule, bool(control & DROP))
        if kind is HashType.NONE:
            return Steering(self._registers.get(DEFAULTQ))
        return Steering(self._indirect(value), value, kind)

    def _indirect(self, value: int) -> int:
        mask = (1 << (self._registers.get(RSSCTL) & 7)) - 1
        entry = value & mask
        if "rss-indirection-off-by-one" in self._defects:
            entry = (value + 1) & mask
        if "rss-indirection-half" in self._defects:
            entry = value & mask >> 1
        return self._registers.get(RETA + (entry & ~3)) >> 8 * (entry & 3) & 0xFF

    def _hash(self, layout: Layout) -> tuple[HashType, int]:
        kind = self._hash_type(layout)
        if kind is HashType.NONE:
            return kind, 0
        data = self._hash_input(layout, kind)
        value = toeplitz(self._key(), data)
        if "rss-byte-order" in self._defects:
            value = int.from_bytes(value.to_bytes(4, "big"), "little")
        if "rss-type-wrong" in self._defects:
            kind = HashType.IPV4 if layout.version == 4 else HashType.IPV6
        return kind, value

    def _key(self) -> bytes:
        words = [self._registers.get(RSSKEY + 4 * i) for i in range(RSSKEY_WORDS)]
        key = struct.pack(f"<{RSSKEY_WORDS}I", *words)
        return key[:32] if "rss-key-short" in self._defects else key

    def _hash_type(self, layout: Layout) -> HashType:
        """The most specific type that is enabled and fits."""
        if layout.version == 0 or not self._registers.get(OFFLOAD) & Offload.RSS:
            return HashType.NONE
        enabled = HashTypes(self._registers.get(HASHTYPES))
        both, tcp, udp = _TYPES[layout.version]
        wanted = {TCP: tcp, UDP: udp}.get(layout.protocol)
        if layout.ports and wanted and HashTypes[wanted.name] in enabled:
            return wanted
        return both if HashTypes[both.name] in enabled else HashType.NONE

    def _hash_input(self, layout: Layout, kind: HashType) -> bytes:
        source, destination = layout.source, layout.destination
        ports = layout.ports if kind not in (HashType.IPV4, HashType.IPV6) else None
        if "rss-addresses-swapped" in self._defects:
            source, destination = destination, source
        if self._registers.get(RSSCTL) & RssCtl.SYMMETRIC:
            source = destination = bytes(a ^ b for a, b in zip(source, destination, strict=True))
            ports = (ports[0] ^ ports[1],) * 2 if ports else None
        return source + destination + (struct.pack(">HH", *ports) if ports else b"")

    def _matching_rule(self, layout: Layout) -> int | None:
        if not self._registers.get(OFFLOAD) & Offload.FLOW_RULES:
            return None
        order = range(FLOWRULES)
        if "flow-rule-last-wins" in self._defects:
            order = range(FLOWRULES - 1, -1, -1)
        return next((rule for rule in order if self._matches(rule, layout)), None)

    def _matches(self, rule: int, layout: Layout) -> bool:
        control, source, destination, ports, match = (self._registers.get(of_rule(rule, w)) for w in range(5))
        if not control & VALID:
            return False
        source_port, destination_port = ports & 0xFFFF, ports >> 16
        if "flow-rule-ports-swapped" in self._defects:
            source_port, destination_port = destination_port, source_port
        wanted = {
            ONLY_IPV4 | ONLY_IPV6: self._family(control, layout.version),
            PROTOCOL: layout.version != 0 and layout.protocol == match & 0xFF,
            SOURCE: layout.version == 4 and layout.source == source.to_bytes(4, "big"),
            DESTINATION: layout.version == 4 and layout.destination == destination.to_bytes(4, "big"),
            SOURCE_PORT: layout.ports is not None and layout.ports[0] == source_port,
            DESTINATION_PORT: layout.ports is not None and layout.ports[1] == destination_port,
            VLAN: bool(layout.tags) and layout.tags[0][1] & 0xFFF == match >> 16,
        }
        return all(fits for asked, fits in wanted.items() if control & asked)

    @staticmethod
    def _family(control: int, version: int) -> bool:
        return bool(control & {4: ONLY_IPV4, 6: ONLY_IPV6}.get(version, 0))


_TYPES = {
    4: (HashType.IPV4, HashType.TCP_IPV4, HashType.UDP_IPV4),
    6: (HashType.IPV6, HashType.TCP_IPV6, HashType.UDP_IPV6),
}
