"""Hardware faults that a device can be built with, each of a kind that shipped devices have had.

``Device(defects={"tso-psh-all"})`` builds one. The names are looked up where the fault sits; nothing else reads them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Defect:
    """``does``: what the device does instead. ``seen``: where the like has been met, in general terms."""

    name: str
    area: str
    does: str
    seen: str


_TABLE: dict[str, tuple[tuple[str, str, str], ...]] = {
    "checksum": (
        ("checksum-odd-length", "the last octet of an odd length is not summed", "16-bit datapaths of early adapters"),
        ("checksum-odd-low", "the last octet of an odd length is added as a low half", "byte-lane slips in FPGA cores"),
        ("checksum-fold-once", "carries are folded once, a second carry is lost", "single-cycle fold stages"),
        ("checksum-carry-lost", "carries out of 16 bits are dropped", "first silicon of embedded MACs"),
        ("checksum-seed-ignored", "the pseudo-header's sum in the field is not used", "driver and device disagreeing"),
        ("checksum-sums-padding", "the sum runs to the end of the frame", "adapters that count the DMA length"),
        ("udp-zero-kept", "a UDP result of 0 is sent as 0, which means none", "several gigabit adapters' errata"),
        ("tcp-zero-replaced", "a TCP result of 0 becomes 0xFFFF", "one rule applied to both protocols"),
        ("ip-checksum-options-skipped", "only 20 octets of an IPv4 header are summed", "fixed-length header parsers"),
    ),
    "receive checksum": (
        ("rx-fragment-good", "a fragment is reported good at layer 4", "parsers that ignore the fragment field"),
        ("rx-udp-zero-bad", "UDP over IPv4 without a checksum is reported bad", "older server adapters' errata"),
        ("rx-udp6-zero-good", "UDP over IPv6 with checksum 0 is reported good", "IPv4 logic reused for IPv6"),
        ("rx-padding-summed", "Ethernet padding is summed: short frames look bad", "adapters with trailers or padding"),
        ("rx-l4-error-hidden", "a bad layer 4 behind IP options is reported good", "fallback paths of parsers"),
        ("rx-raw-sum-with-tag", "the raw sum is that of the frame before stripping", "VLAN with complete checksums"),
        ("rx-status-stale", "the checksum verdict is the one of the frame before", "pipelines without interlock"),
    ),
    "segmentation": (
        ("tso-ip-length", "the last segment's IP length is a full segment's", "short tails in early TSO"),
        ("tso-ip-id-fixed", "the IPv4 identification does not change", "adapters with one global setting"),
        ("tso-ip-id-carry", "the identification's low octet wraps without carry", "8-bit counters"),
        ("tso-ip-checksum-stale", "every segment has the first one's IPv4 checksum", "cached header checksums"),
        ("tso-ipv6-extension-length", "the IPv6 payload length lacks extension headers", "fixed 40-octet headers"),
        ("tso-psh-all", "PSH is set on every segment", "flags copied from the template"),
        ("tso-fin-first", "FIN is on the first segment", "flag masks of first and last exchanged"),
        ("tso-cwr-all", "CWR is on every segment whatever the register says", "most devices older than ECN offload"),
        ("tso-sequence-last", "the last segment's sequence number is off by the short tail", "offset by own length"),
        ("tso-sequence-carry", "the sequence number's high half does not change", "16-bit adders"),
        ("tso-empty-tail", "a divisible payload is followed by an empty segment", "loop bounds off by one"),
        ("tso-options-first-only", "only the first segment has the TCP options", "fixed 20-octet templates"),
        ("tso-split-header", "a header in two descriptors is not edited", "errata that ask for one-descriptor headers"),
        ("tso-vlan-first-only", "only the first segment is tagged", "tag insertion before segmentation"),
        ("uso-length-stale", "the last datagram's UDP length is the first one's", "USO made from a TSO core"),
    ),
    "coalescing": (
        ("rsc-merges-gap", "segments merge over missing octets", "comparators that test order only"),
        ("rsc-merges-psh", "a train goes on after PSH", "throughput tuning"),
        ("rsc-ack-ignored", "segments with different acknowledgements merge", "LRO of several adapters"),
        ("rsc-window-ignored", "segments with different windows merge", "LRO of several adapters"),
        ("rsc-options-ignored", "segments with different TCP options merge", "LRO that drops timestamps"),
        ("rsc-tos-ignored", "segments with different TOS merge: congestion marks vanish", "LRO before ECN"),
        ("rsc-bad-checksum", "a segment with a bad checksum merges and is made good", "merge before the verdict"),
        ("rsc-vlan-ignored", "segments of different VLANs merge", "flow keys without the tag"),
        ("rsc-fin-lost", "the FIN of a merged segment is dropped", "flags taken from the first segment"),
        ("rsc-overtakes", "what does not merge is delivered before the train it follows", "two paths to one ring"),
        ("rsc-timeout-lost", "a train is held until more arrives", "timers that stop with the traffic"),
        ("rsc-length-overflow", "a train grows over 64 KiB and its length wraps", "missing upper bound"),
    ),
    "steering": (
        ("rss-byte-order", "the hash is in the wrong byte order", "little-endian hosts, many drivers"),
        ("rss-addresses-swapped", "destination is hashed before source", "documentation read the other way round"),
        ("rss-indirection-off-by-one", "the next entry of the table is used", "table pointers that pre-increment"),
        ("rss-indirection-half", "half of the table is used", "one index bit too few"),
        ("rss-key-short", "only 32 octets of the key count, so IPv6 hashes are wrong", "key registers sized for IPv4"),
        ("rss-type-wrong", "the hash type reported is the address pair's", "descriptor fields with too few values"),
        (
            "rss-fragment-ports",
            "a first fragment is hashed with ports, away from its others",
            "parsers before IP flags",
        ),
        ("flow-rule-last-wins", "the last rule that matches wins", "priority encoders built upside down"),
        ("flow-rule-ports-swapped", "rules compare the ports the wrong way round", "filters described for transmit"),
    ),
    "vlan": (
        ("vlan-tag-lost", "a C-tag is stripped and not reported", "descriptor status raced by the stripper"),
        ("vlan-rx-priority-lost", "the reported tag has priority 0", "12-bit tag fields"),
        ("vlan-tx-priority-lost", "the inserted tag has priority 0", "12-bit tag fields"),
        ("vlan-outer-tpid-fixed", "the outer tag has the C-tag's TPID", "QinQ added to a single-tag core"),
        ("qinq-order-swapped", "the inner tag is outside", "two insertions done in the wrong order"),
        ("vlan-filter-aliased", "VLANs 2,048 apart share a filter bit", "filter tables of half the size"),
    ),
    "rings and DMA": (
        ("tx-completed-twice", "a transmit status is written again later", "write-back retries on a busy bus"),
        (
            "tx-completed-early",
            "a transmit status is written before the buffer is read",
            "posted writes that pass reads",
        ),
        ("rx-completed-early", "a receive status is written before the data", "relaxed ordering on the bus"),
        ("rx-completed-twice", "a receive status is written again later", "write-back retries on a busy bus"),
        ("head-before-write-back", "HEAD moves long before the status is written", "two completion paths"),
        ("dma-write-one-over", "one octet too many is written to a buffer", "length rounding in write engines"),
        ("dma-read-one-over", "one octet too many is read from a buffer", "prefetch over the end of a page"),
        ("ring-last-skipped", "the last descriptor of a ring is skipped", "wrap compared with length - 1"),
        ("doorbell-splits-packet", "a packet ends where the tail is, EOP or not", "tail read once per burst"),
        ("tx-error-silent", "a malformed packet is dropped without a status", "malicious-driver detection"),
        (
            "rx-truncates",
            "a frame longer than the posted buffers is delivered cut",
            "devices without long-frame checks",
        ),
        ("rx-length-with-fcs", "the reported length counts four octets of check sequence", "CRC strip errata"),
        ("reset-leaves-write-backs", "write-backs that were due still happen after a reset", "DMA not quiesced"),
    ),
    "interrupts": (
        ("interrupt-lost-moderated", "an event within the interval raises no message", "throttle timers that mask"),
        ("interrupt-lost-unmask", "a cause that is set when unmasked raises no message", "edge-triggered cause logic"),
        ("interrupt-before-write-back", "the message comes before the status is written", "MSI that passes writes"),
        ("interrupt-wrong-vector", "the message names the next vector", "vector tables off by one"),
        ("interrupt-auto-mask-lost", "automatic masking does nothing", "mode bits that share a latch"),
        ("moderation-ignored", "messages come at any rate", "intervals with a unit of zero"),
    ),
    "statistics": (
        ("statistics-not-cleared", "reading a counter does not clear it", "read-clear races in many devices"),
        ("statistics-tso-once", "a segmented packet counts as one frame", "counters before the segmenter"),
        ("statistics-octets-before-tag", "sent octets do not count inserted tags", "counters before the tagger"),
        ("statistics-drops-lost", "frames dropped for want of a descriptor are not counted", "missed-packet counters"),
    ),
}

DEFECTS = {name: Defect(name, area, does, seen) for area, rows in _TABLE.items() for name, does, seen in rows}


def chosen(names: Iterable[str]) -> frozenset[str]:
    """The set, checked. Raises ValueError that lists what there is when a name is unknown."""
    wanted = frozenset(names)
    if unknown := sorted(wanted - DEFECTS.keys()):
        raise ValueError(f"no such defect: {', '.join(unknown)}; there are {', '.join(DEFECTS)}")
    return wanted
