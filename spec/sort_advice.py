"""How sorts are called in diagnostics, and what to do when two do not go together."""

from __future__ import annotations

from wireproof.spec import ir


def has(sort: ir.Sort) -> str:
    return "have" if sort.name in ("octets", "reassembly") else "has"


def shown_sort(sort: ir.Sort) -> str:
    shown = {
        "flag": "a flag",
        "count": "a count",
        "length": "a length",
        "seq32": "a sequence number",
        "duration": "a duration",
        "instant": "an instant",
        "octets": "octets",
        "reassembly": "held segments",
        "number": "a plain number",
    }.get(sort.name, f"a value of the enum '{sort.name}'")
    return f"{shown} counted from {sort.base}" if sort.base else shown


def advice(got: ir.Sort, wanted: ir.Sort) -> str:
    names = {got.name, wanted.name}
    if names == {"number", "duration"}:
        return "give the duration its unit: us, ms, s, min or h"
    if names == {"length", "duration"}:
        return "octets and time do not mix; multiply or divide by a count"
    if "seq32" in names and ("length" in names or "count" in names or "number" in names):
        return "a sequence number minus another is a length; a sequence number plus a length is a sequence number"
    if names == {"seq32"}:
        return "numbers of the two directions do not mix: one end's count from ISS, the other's from IRS, for example"
    if names == {"octets", "length"}:
        return "len(...) is how many octets there are; octets are variables and fields of that sort, and parts of them"
    if names == {"number", "flag"}:
        return "write true, false or a comparison"
    if "flag" in names:
        return "write a comparison"
    enums = names - {*ir.BUILT_IN, "number", "unknown"}
    if enums:
        return f"name a value of the enum '{wanted.name if wanted.name in enums else got.name}'"
    return "make both sides one sort"


def arithmetic_advice(op: str, a: ir.Sort, b: ir.Sort) -> str:
    """What to do about an operation that has no meaning."""
    names = {a.name, b.name}
    if names == {"seq32"}:
        return "a sequence number minus another is a length; a sequence number plus a length is a sequence number"
    if op in ("*", "/", "mod") and names <= {"length", "duration", "count", "number"}:
        return "multiply and divide by a count; a length divided by a length is a count"
    if "instant" in names:
        return "an instant minus another is a duration; an instant plus a duration is an instant"
    return advice(b, a)
