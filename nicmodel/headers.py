"""Where the headers of a frame are. Total: any octets have a layout, and what cannot be found is absent from it."""

from __future__ import annotations

from dataclasses import dataclass

from wireproof.nicmodel.defects import NONE

IPV4, IPV6 = 0x0800, 0x86DD
TCP, UDP = 6, 17
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
LOOSE_ROUTE, STRICT_ROUTE = 131, 137
ETHERNET = 14


def word(data: bytes | bytearray, at: int) -> int:
    """The 16 bits there, big-endian. The caller knows that they exist."""
    return data[at] << 8 | data[at + 1]


@dataclass(frozen=True, slots=True)
class Layout:
    """Offsets are octets from the start of the frame."""

    tags: tuple[tuple[int, int], ...] = ()
    """(TPID, TCI) of each VLAN tag, at most two, the outermost first."""
    ethertype: int = 0
    network: int = ETHERNET
    version: int = 0
    """4, 6, or 0 when there is no usable IP header."""
    source: bytes = b""
    destination: bytes = b""
    protocol: int = -1
    transport: int = 0
    """Where the header of ``protocol`` starts."""
    end: int = 0
    """Where the IP datagram ends by its own length."""
    whole: bool = False
    """The frame holds the datagram to its end."""
    fragment: bool = False
    options: bool = False
    """There are IPv4 options or IPv6 extension headers."""
    routed: bool = False
    """A source route makes the destination in the header another than the final one."""
    ports: tuple[int, int] | None = None

    @property
    def flow(self) -> tuple[bytes, bytes]:
        return self.source, self.destination


def find_tags(frame: bytes, tpids: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """The VLAN tags after the addresses, at most two; ``tpids`` are the C-tag's and the S-tag's."""
    tags: list[tuple[int, int]] = []
    at = 12
    while len(tags) < 2 and at + 4 <= len(frame) and word(frame, at) in tpids:
        tags.append((word(frame, at), word(frame, at + 2)))
        at += 4
    return tuple(tags)


def parse(frame: bytes, tpids: tuple[int, int], defects: frozenset[str] = NONE) -> Layout:
    """The layout of a frame of any length and content."""
    tags = find_tags(frame, tpids)
    network = ETHERNET + 4 * len(tags)
    if len(frame) < network:
        return Layout(tags=tags)
    ethertype = word(frame, network - 2)
    if ethertype == IPV4:
        return _ipv4(frame, tags, network, defects)
    if ethertype == IPV6:
        return _ipv6(frame, tags, network, defects)
    return Layout(tags=tags, ethertype=ethertype, network=network)


def _ipv4(frame: bytes, tags: tuple[tuple[int, int], ...], at: int, defects: frozenset[str]) -> Layout:
    nothing = Layout(tags=tags, ethertype=IPV4, network=at)
    if len(frame) < at + 20 or frame[at] >> 4 != 4:
        return nothing
    header, total = (frame[at] & 15) * 4, word(frame, at + 2)
    if header < 20 or total < header or len(frame) < at + header:
        return nothing
    fragment = word(frame, at + 6) & 0x3FFF != 0
    return Layout(
        tags=tags,
        ethertype=IPV4,
        network=at,
        version=4,
        source=frame[at + 12 : at + 16],
        destination=frame[at + 16 : at + 20],
        protocol=frame[at + 9],
        transport=at + header,
        end=at + total,
        whole=at + total <= len(frame),
        fragment=fragment,
        options=header > 20,
        routed=_has_route(frame[at + 20 : at + header]),
        ports=_ports(frame, frame[at + 9], at + header, at + total, fragment, defects),
    )


def _has_route(options: bytes) -> bool:
    """Is a source route among the IPv4 options? What cannot be walked counts as one: the destination is in doubt."""
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] in (LOOSE_ROUTE, STRICT_ROUTE):
            return True
        if options[at] == 1:
            at += 1
        elif at + 1 < len(options) and options[at + 1] >= 2:
            at += options[at + 1]
        else:
            return True
    return False


def _ipv6(frame: bytes, tags: tuple[tuple[int, int], ...], at: int, defects: frozenset[str]) -> Layout:
    if len(frame) < at + 40 or frame[at] >> 4 != 6:
        return Layout(tags=tags, ethertype=IPV6, network=at)
    end = at + 40 + word(frame, at + 4)
    protocol, transport, fragment, routed = _extensions(frame, frame[at + 6], at + 40, min(end, len(frame)))
    return Layout(
        tags=tags,
        ethertype=IPV6,
        network=at,
        version=6,
        source=frame[at + 8 : at + 24],
        destination=frame[at + 24 : at + 40],
        protocol=protocol,
        transport=transport,
        end=end,
        whole=end <= len(frame),
        fragment=fragment,
        options=transport > at + 40,
        routed=routed,
        ports=_ports(frame, protocol, transport, end, fragment, defects),
    )


def _extensions(frame: bytes, protocol: int, at: int, end: int) -> tuple[int, int, bool, bool]:
    """Protocol and offset behind the extension headers, and whether a fragment or a live routing header was seen.

    A chain that leaves the datagram has protocol -1.
    """
    fragment = routed = False
    while protocol in (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION):
        if at + 8 > end:
            return -1, at, fragment, routed
        length = 8 if protocol == FRAGMENT else 8 * (frame[at + 1] + 1)
        fragment |= protocol == FRAGMENT
        routed |= protocol == ROUTING and frame[at + 3] != 0
        protocol, at = frame[at], at + length
        if fragment:
            break
    return (protocol if at <= end else -1), at, fragment, routed


def _ports(
    frame: bytes, protocol: int, at: int, end: int, fragment: bool, defects: frozenset[str]
) -> tuple[int, int] | None:
    """No fragment has ports here, not even the first: else its datagram's fragments would part."""
    if fragment and "rss-fragment-ports" not in defects:
        return None
    if protocol not in (TCP, UDP) or at + 4 > min(end, len(frame)):
        return None
    return word(frame, at), word(frame, at + 2)
