"""Numbers of a test case that are sums over what the oracle believes: ``SND.UNA - MAX.SND.WND``, ``len(RCV.DATA)``."""

from __future__ import annotations

import functools
from typing import Any

from wireproof.conformance.oracle import Key, Oracle
from wireproof.spec.backends.python_terms import ident


@functools.cache
def parsed(text: str) -> tuple[tuple[str, bool, int], ...]:
    """The terms of a sum: the variable or parameter, whether its length is meant, and the sign.

    Names are those of the specification; operators stand between blanks, for names have hyphens in them.
    """
    out: list[tuple[str, bool, int]] = []
    sign = 1
    for word in text.split():
        if word in ("+", "-"):
            sign = 1 if word == "+" else -1
            continue
        inner = word.removeprefix("len(").removesuffix(")")
        out.append((ident(inner), word.startswith("len("), sign))
        sign = 1
    return tuple(out)


def total(oracle: Oracle, key: Key, text: str, isn: int) -> int:
    """The sum, from the first configuration that the oracle believes of a connection.

    Numbers of the peer's are ``isn`` before one was seen; what there is not counts 0. Raises KeyError for a name
    that the specification does not have.
    """
    c = oracle.configuration(key)
    state = "CLOSED" if c is None else c.state
    return sum(sign * _term(oracle, c, state, name, length, isn) for name, length, sign in parsed(text))


def _term(oracle: Oracle, c: Any, state: str, name: str, length: bool, isn: int) -> int:
    base = oracle.machine.bases.get(name)
    if base == "IRS" and state in ("CLOSED", "LISTEN", "SYN-SENT"):
        return isn
    if base == "ISS" and state in ("CLOSED", "LISTEN"):
        return 0
    if c is not None and hasattr(c, name):
        value = getattr(c, name)
    elif hasattr(oracle.p, name):
        value = getattr(oracle.p, name)
    elif hasattr(oracle.machine.Tcp(), name):
        value = getattr(oracle.machine.Tcp(), name)
    else:
        raise KeyError(f"the specification has no variable or parameter '{name}'")
    return len(value) if length else int(value)
