"""Every mutant must be caught: the suite against each of them, on several processes."""

from __future__ import annotations

import fnmatch
import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from wireproof.conformance import catalogue, suite
from wireproof.conformance.campaign import Campaign
from wireproof.conformance.mutation import MutantError, mutants
from wireproof.conformance.records import Event
from wireproof.conformance.testcase import TestCase


def matching(pattern: str) -> list[str]:
    """The mutants whose names fit a glob."""
    return [name for name in mutants() if fnmatch.fnmatchcase(name, pattern)]


def try_mutant(name: str, cases: Sequence[TestCase]) -> Event:
    """The cases against one mutant: how many fail, and the shortest of the failures."""
    steps = {c.id: len(c.steps) for c in cases}
    failures: list[Event] = []

    def note(event: Event) -> None:
        if event["event"] == "result" and event["verdict"] in ("fail", "error"):
            failures.append(event)

    kind = catalogue.find(f"mutant:{name}")
    event: Event = {"event": "mutant", "name": name, "story": kind.about, "found": False, "failed": 0}
    begun = time.perf_counter()
    try:
        _campaign(kind, cases, note, brief=True)
        found = failures[:]
        if found:
            shortest = min(found, key=lambda e: (e["verdict"] == "error", steps[e["id"]], e["id"]))
            failures.clear()
            _campaign(kind, [c for c in cases if c.id == shortest["id"]], note, brief=False)
    except MutantError as error:
        return event | {"error": str(error), "first": None, "seconds": 0.0}
    event |= {"found": bool(found), "failed": len(found), "error": "", "first": failures[0] if failures else None}
    event["rules"] = sorted({e["rule"] for e in found if e["rule"]})
    event["seconds"] = round(time.perf_counter() - begun, 3)
    return event


def _campaign(kind: catalogue.Kind, cases: Sequence[TestCase], note: Callable[[Event], None], brief: bool) -> None:
    if Campaign(kind, cases, len(cases), emit=note, brief=brief).run()["partial"]:
        raise KeyboardInterrupt


def _try(name: str, ids: frozenset[str] | None) -> Event:
    """In a process of its own: reads the suite there, which is quicker than sending it over."""
    return try_mutant(name, [c for c in suite.load() if ids is None or c.id in ids])


def _leave_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal; the first one ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def hunt(
    names: Sequence[str],
    cases: Sequence[TestCase],
    of: int,
    jobs: int = 1,
    emit: Callable[[Event], None] = lambda _: None,
) -> list[Event]:
    """These mutants; their events in the same order, each given to ``emit`` as it is ready. ``of`` is the size of
    the whole suite."""
    found: dict[str, Event] = {}
    if jobs <= 1 or len(names) <= 1:
        for name in names:
            found[name] = try_mutant(name, cases)
            emit(found[name])
        return list(found.values())
    ids = None if len(cases) == of else frozenset(c.id for c in cases)
    # Not forked: the terminal's progress display may have a thread.
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(jobs, len(names)), mp_context=multiprocessing.get_context("spawn"), initializer=_leave_interrupts
    )
    try:
        futures = [pool.submit(_try, name, ids) for name in names]
        for future in as_completed(futures):
            event = future.result()
            found[event["name"]] = event
            emit(event)
    except KeyboardInterrupt:
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [found[name] for name in names]
