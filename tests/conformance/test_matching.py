"""A segment fits a template, or every field that does not is named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wireproof.conformance.matching import Difference, control, describe, differences, matches
from wireproof.reference.run import Template
from wireproof.reference.segment import ACK, CTL_NAMES, FIN, PSH, RST, SYN, Segment
from wireproof.reference.sequence import MASK

BOUND = SimpleNamespace(unbound=False)
UNBOUND = SimpleNamespace(unbound=True)
ADDRESS = bytes(4)
TEXT = b"0123456789"


def template(**change: Any) -> Template:
    """Exactly three octets at 100, acknowledging 50, pushed if it likes."""
    base = Template("tcp/x/y", 100, 0, 50, 50, ACK, PSH, TEXT, 3, 3, False)
    return base._replace(**change)


def segment(**change: Any) -> Segment:
    """The segment that fits it."""
    fields: dict[str, Any] = {"seq": 100, "ack": 50, "ctl": ACK, "data": TEXT[:3]} | change
    return Segment(ADDRESS, ADDRESS, 1, 2, **fields)


def named(t: Template, out: Segment, c: Any = BOUND) -> list[str]:
    """The fields that differ; ``matches`` says the same."""
    found = differences(c, t, out)
    assert matches(c, t, out) == (not found), (found, t, out)
    return [d.field for d in found]


FITS: dict[str, tuple[Template, Segment]] = {
    "itself": (template(), segment()),
    "a bit that may be set": (template(), segment(ctl=ACK | PSH)),
    "as many octets as are allowed": (template(low=0, high=10), segment(data=TEXT)),
    "as few octets as are allowed": (template(low=0, high=10), segment(data=b"")),
    "the rest": (template(rest=True), segment(data=TEXT)),
    "an acknowledgment in a range": (template(ack_from=40), segment(ack=45)),
    "the lowest of a range": (template(ack_from=40), segment(ack=40)),
    "an acknowledgment in a range that wraps": (template(ack_from=MASK - 5, ack=5), segment(ack=0)),
    "the last of a span": (template(span=7), segment(seq=107, data=TEXT[7:])),
    "a place in a span that wraps": (template(seq=MASK, span=7), segment(seq=2, data=TEXT[3:6])),
    "no acknowledgment": (template(ack=None, ack_from=None, ctl=RST, may=0), segment(ctl=RST, ack=0)),
    "a FIN behind all": (template(ctl=ACK, may=FIN, high=10), segment(ctl=ACK | FIN, data=TEXT)),
    "no FIN behind less": (template(ctl=ACK, may=FIN, high=10), segment(data=TEXT[:4])),
    "any window": (template(), segment(wnd=0)),
    "any urgent pointer": (template(), segment(up=7)),
}

MISFITS: dict[str, tuple[Template, Segment, list[str]]] = {
    "a bit missing": (template(ctl=ACK | FIN), segment(), ["CTL"]),
    "a bit too many": (template(), segment(ctl=ACK | RST), ["CTL"]),
    "another number": (template(), segment(seq=101), ["SEQ"]),
    "a number behind the span": (template(span=7), segment(seq=108), ["SEQ"]),
    "a number before the span": (template(span=7), segment(seq=99), ["SEQ"]),
    "another acknowledgment": (template(), segment(ack=51), ["ACK"]),
    "an acknowledgment above its range": (template(ack_from=40), segment(ack=51), ["ACK"]),
    "an acknowledgment below its range": (template(ack_from=40), segment(ack=39), ["ACK"]),
    "an octet too few": (template(), segment(data=TEXT[:2]), ["LEN"]),
    "an octet too many": (template(), segment(data=TEXT[:4]), ["LEN"]),
    "not all the rest": (template(rest=True), segment(data=TEXT[:9]), ["LEN"]),
    "the first octet": (template(), segment(data=b"x12"), ["TEXT"]),
    "the last octet": (template(), segment(data=b"01x"), ["TEXT"]),
    "text of another place": (template(span=7, high=9), segment(seq=101, data=TEXT[:5]), ["TEXT"]),
    "more than there is": (template(high=20), segment(data=TEXT + b"!"), ["TEXT"]),
    "a FIN behind less": (template(may=FIN, high=10), segment(ctl=ACK | FIN, data=TEXT[:4]), ["FIN"]),
    "much at once": (template(), segment(seq=9, ack=9, ctl=SYN | ACK, data=b""), ["CTL", "ACK", "SEQ", "LEN"]),
}


@pytest.mark.parametrize(("t", "out"), FITS.values(), ids=FITS.keys())
def test_what_fits(t: Template, out: Segment) -> None:
    assert named(t, out) == []


@pytest.mark.parametrize(("t", "out", "fields"), MISFITS.values(), ids=MISFITS.keys())
def test_what_does_not_fit_is_named(t: Template, out: Segment, fields: list[str]) -> None:
    assert named(t, out) == fields


@pytest.mark.parametrize(("at", "wanted", "seen"), [(0, 0x30, 0x78), (2, 0x32, 0x78)])
def test_the_octet_that_differs_is_shown_with_its_offset(at: int, wanted: int, seen: int) -> None:
    data = bytearray(TEXT[:3])
    data[at] = seen
    (d,) = differences(BOUND, template(), segment(data=bytes(data)))
    assert d == Difference("TEXT", f"0x{wanted:02x} at octet {at}", f"0x{seen:02x}")
    assert str(d) == f"TEXT: expected 0x{wanted:02x} at octet {at}, seen 0x{seen:02x}"


def test_numbers_and_lengths_are_shown_as_they_are() -> None:
    (d,) = differences(BOUND, template(seq=MASK, span=3), segment(seq=9))
    assert (d.expected, d.seen) == (f"{MASK} .. 2", "9")
    (d,) = differences(BOUND, template(low=2, high=5), segment(data=b""))
    assert (d.expected, d.seen) == ("2 .. 5 octets of text", "0")
    (d,) = differences(BOUND, template(), segment(ctl=RST | ACK))
    assert (d.expected, d.seen) == ("ACK,PSH?", "RST,ACK")


def test_a_number_that_is_not_known_yet_is_any_with_a_syn() -> None:
    syn = template(ctl=SYN, may=0, ack=None, ack_from=None, text=b"", low=0, high=0, seq=0)
    assert named(syn, segment(seq=123456, ctl=SYN, data=b""), UNBOUND) == []
    assert named(syn, segment(seq=123456, ctl=SYN, data=b"")) == ["SEQ"]
    assert named(template(), segment(seq=123456), UNBOUND) == ["SEQ"]


def test_templates_as_text() -> None:
    assert describe(template()) == "<SEQ=100><ACK=50><CTL=ACK,PSH?> with 3 to 3 octets of text"
    assert describe(template(rest=True)) == "<SEQ=100><ACK=50><CTL=ACK,PSH?> with 10 octets of text"
    bare = template(seq=MASK, span=2, ack=None, ctl=RST, may=0, text=b"", low=0, high=0)
    assert describe(bare) == f"<SEQ={MASK}..1><CTL=RST>"
    assert control(0) == "none"
    assert control(SYN | ACK, FIN) == "SYN,ACK,FIN?"
    assert control(255) == ",".join(CTL_NAMES)


octets = st.binary(max_size=6)
small = st.integers(0, 6)
near = st.integers(-3, 6).map(lambda n: n & MASK)
bits = st.sampled_from([0, ACK, ACK | PSH, ACK | FIN, SYN, SYN | ACK, RST])


@st.composite
def templates(draw: st.DrawFn) -> Template:
    """Templates as rules make them: ACK comes with its number, and is never left open."""
    ack = draw(st.none() | near)
    ctl = draw(bits) & ~ACK | (0 if ack is None else ACK)
    ack_from = None if ack is None else (ack - draw(small)) & MASK
    may = draw(bits) & ~ACK
    return Template(
        "r",
        draw(near),
        draw(small),
        ack,
        ack_from,
        ctl,
        may,
        draw(octets),
        draw(small),
        draw(small),
        draw(st.booleans()),
    )


segments = st.builds(
    lambda seq, ack, ctl, data: segment(seq=seq, ack=ack, ctl=ctl, data=data), near, near, bits, octets
)


@given(templates(), segments, st.booleans())
def test_a_segment_fits_exactly_when_nothing_differs(t: Template, out: Segment, unbound: bool) -> None:
    """The fast question and the one that explains are the same question."""
    c = SimpleNamespace(unbound=unbound)
    assert matches(c, t, out) == (not differences(c, t, out))
