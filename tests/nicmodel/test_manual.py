"""docs/nicmodel.md says what the model does: offsets, codes and defects are compared, word for word."""

from __future__ import annotations

import re
from enum import IntFlag
from pathlib import Path

from wireproof.nicmodel import registers, rings, schedule
from wireproof.nicmodel.defects import DEFECTS
from wireproof.nicmodel.device import Device
from wireproof.nicmodel.memory import Memory
from wireproof.nicmodel.statistics import WIDE, Counter, offset_of
from wireproof.nicmodel.steering import HashType

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "nicmodel.md").read_text()


def section(start: str, end: str) -> str:
    return MANUAL.split(start, 1)[1].split(end, 1)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of each table row but headings."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def numbered(text: str) -> dict[str, int]:
    """``0 EOP · 1 RS`` as names and numbers."""
    pairs = re.findall(r"(?:^|· |: )(\d+) ([A-Z][A-Z0-9_]+)", text)
    return {name: int(number) for number, name in pairs}


def bits_of(flags: type[IntFlag]) -> dict[str, int]:
    return {str(flag.name): flag.bit_length() - 1 for flag in flags}


def test_global_registers() -> None:
    device = Device(Memory(64))
    known = {f"0x{offset:03X}": name for offset, name in device.registers.items()}
    found = [row for row in rows(section("### 3.1", "OFFLOAD: 0")) if row[0].startswith("0x") and "[" not in row[1]]
    found = [row for row in found if row[1].isupper()]
    assert len(found) > 15
    for offset, name, _kind, reset, _bits in found:
        assert known[offset] == name
        if reset:
            assert device.read(int(offset, 16)) == int(reset, 0), name
    tables = {"RSSKEY[0..9]": "RSSKEY[0]", "RETA[0..31]": "RETA[0]", "VLANFILTER[0..127]": "VLANFILTER[0]"}
    by_name = {row[1]: row[0] for row in rows(section("### 3.1", "OFFLOAD: 0"))}
    assert all(known[by_name[shown]] == name for shown, name in tables.items())
    undocumented = {n for n in known.values() if "[" not in n and "." not in n} - set(by_name)
    assert undocumented == {c.name for c in Counter} | {f"{c.name}_HIGH" for c in WIDE}


def test_queue_registers() -> None:
    names = Device(Memory(64), 2).registers
    for block, name, *_ in rows(section("### 3.2", "### 3.3")):
        if block.startswith(("0x8", "0x9")):
            assert names[0x1100 + int(block, 16)] == f"Q1.{name}"
        elif block.startswith("0x"):
            assert names[0x1100 + int(block, 16)] == f"Q1.TX{name}"
            assert names[0x1140 + int(block, 16)] == f"Q1.RX{name}"


def test_bits() -> None:
    cells = {row[1]: row[4] for row in rows(section("### 3.1", "OFFLOAD: 0")) + rows(section("### 3.2", "### 3.3"))}
    assert numbered("· " + section("\nOFFLOAD: ", "\n")) == bits_of(registers.Offload)
    for name, flags in {
        "CTRL": registers.Ctrl,
        "TXCTL": registers.TxCtl,
        "RXCTL": registers.RxCtl,
        "TSOCTL": registers.TsoCtl,
        "RSCCTL": registers.RscCtl,
        "VLANCTL": registers.VlanCtl,
        "HASHTYPES": registers.HashTypes,
        "RSSCTL": registers.RssCtl,
        "CAUSE": registers.Cause,
        "ICTL": registers.ICtl,
    }.items():
        assert numbered(cells[name]) == bits_of(flags), name


def test_descriptor_bits() -> None:
    cells = {row[0]: row[1] for row in rows(section("| octets | data descriptor", "| octets | context"))}
    command = {str(flag.name): flag.bit_length() - 1 for flag in rings.Command}
    assert numbered(cells["10"]) == command
    assert numbered(cells["12"]) == bits_of(rings.TxStatus)
    received = {row[0]: row[1] for row in rows(section("| octets | written by the device", "A frame fills"))}
    assert numbered(received["12"]) == bits_of(rings.RxStatus)
    assert numbered(received["13"]) == {str(flag.name): flag.bit_length() - 1 for flag in rings.RxError}
    assert numbered(received["14"]) == {kind.name: kind.value for kind in HashType if kind}


def test_error_codes() -> None:
    found = {row[1]: int(row[0]) for row in rows(section("## 10 Errors", "## 11")) if row[0].isdigit()}
    assert found == {error.name: error.value for error in rings.TxError if error}


def test_counters() -> None:
    found = {row[1]: int(row[0], 16) for row in rows(section("## 11 Statistics", "## 12")) if row[0].startswith("0x")}
    assert found == {counter.name: offset_of(counter) for counter in Counter}


def test_defects() -> None:
    found = [row for row in rows(section("## 13 Defects", "## 14")) if row[0].startswith("`")]
    assert found == [[f"`{x.name}`", x.does, x.seen] for x in DEFECTS.values()]


def test_times() -> None:
    text = " ".join(section("## 12 Time", "## 13").split())
    times = (schedule.FETCH, schedule.WRITE_BACK, schedule.WIRE_GAP, schedule.FETCH)
    shown = re.findall(r"(\d+) cycles to fetch|, (\d+) from the last|, (\d+) between frames|, (\d+) from a", text)
    assert tuple(int("".join(group)) for group in shown) == times
    assert f"READY is 1 ({schedule.RESET} cycles)" in MANUAL
