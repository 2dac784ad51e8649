"""The campaign of all mutants of the specification: on several processes, kept as it goes, taken up where it ended."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from wireproof.conformance import suite
from wireproof.conformance.footprint import Footprint, news
from wireproof.conformance.records import HOME
from wireproof.conformance.specmutants import PROFILES, Bench, Outcome, prints_of, tasks
from wireproof.reference import machine
from wireproof.spec import equivalence, load
from wireproof.spec.mutate import Mutant, mutants

Step = Callable[[str, int, int], None]
"""What is under way, how many are done, how many there are."""

_bench: Bench | None = None


def _begin(prints: Sequence[Footprint]) -> None:
    """In a new process. Ctrl-C reaches all processes of a terminal; the first one ends the others."""
    global _bench
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _bench = Bench(prints)


def _as_reference(mutant: str) -> Outcome:
    assert _bench is not None
    return _bench.as_reference(mutant)


def _as_oracle(mutant: str, killed: Sequence[Outcome]) -> Outcome:
    assert _bench is not None
    return _bench.as_oracle(mutant, killed)


def _with_habits(mutant: str) -> Outcome:
    assert _bench is not None
    return _bench.with_habits(mutant)


# ---- what is kept ---------------------------------------------------------------------------------------------------


def key(found: Sequence[Mutant]) -> str:
    """The same for the same mutants and the same suite: outcomes kept under it are still good."""
    digest = hashlib.sha256(machine.tcp().spec_hash.encode() + suite.path().read_bytes())
    for m in found:
        digest.update(f"{m.id} {m.what}\n".encode())
    return digest.hexdigest()[:12]


class Journal:
    """Outcomes in a file, a line each, written as they come. A line that was cut short is left out."""

    def __init__(self, path: Path):
        self.path = path
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                try:
                    self._take(json.loads(line))
                except (ValueError, KeyError, TypeError):
                    continue
            # Whole lines only, so that what is appended does not continue a broken one.
            path.write_text("".join(_line(o) for o in self.outcomes.values()), "utf-8")

    def _take(self, o: Outcome) -> None:
        self.outcomes[(o["stage"], o["id"])] = o

    def add(self, o: Outcome) -> None:
        self._take(o)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(o))

    def forget(self, mutants: set[str]) -> None:
        """Leave out what is known of these."""
        self.outcomes = {at: o for at, o in self.outcomes.items() if at[1] not in mutants}
        self.path.write_text("".join(_line(o) for o in self.outcomes.values()), "utf-8")

    def of(self, stage: str) -> dict[str, Outcome]:
        """The outcomes of a stage by mutant."""
        return {m: o for (s, m), o in self.outcomes.items() if s == stage}


def _line(o: Outcome) -> str:
    return json.dumps(o, separators=(",", ":"), sort_keys=True) + "\n"


def journal(found: Sequence[Mutant]) -> Journal:
    """The journal of these mutants, begun or taken up."""
    return Journal(HOME / "mutants" / f"{key(found)}.ndjson")


# ---- the campaign ---------------------------------------------------------------------------------------------------


@contextmanager
def _pool(jobs: int, *begin: Any) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one's interruption."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    initializer = _begin if begin else _leave_interrupts
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=initializer, initargs=begin)
    try:
        yield pool
    except KeyboardInterrupt:
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _gather(futures: Sequence[Any], what: str, step: Step) -> Iterator[Any]:
    for n, future in enumerate(as_completed(futures), 1):
        yield future.result()
        step(what, n, len(futures))


def look(jobs: int, step: Step) -> list[Footprint]:
    """The footprints of the suite, without and with habits."""
    with _pool(jobs) as pool:
        out: list[Footprint] = []
        for found in _gather([pool.submit(prints_of, p) for p in PROFILES], "footprints", step):
            out += found
        plain = list(out)
        first = [f for f in plain if f.profile == PROFILES[0]]
        out = [*first, *news(first, [f for f in plain if f.profile != PROFILES[0]])]
        futures = [pool.submit(prints_of, p, h, [f for f in plain if f.profile == p]) for p, h in tasks(machine.tcp())]
        for found in _gather(futures, "habits", step):
            out += found
    return sorted(out, key=lambda f: (f.profile, f.habit, f.case))


def campaign(
    found: Sequence[Mutant], kept: Journal, jobs: int, step: Step, prints: Sequence[Footprint] | None = None
) -> None:
    """Try all mutants that the journal does not have yet, as reference and then as oracle. ``prints``: footprints to
    go by; without them those of the whole suite are taken first.

    Raises KeyboardInterrupt when interrupted; what was found until then is in the journal.
    """
    first = [m.id for m in found if m.role == "reference" and m.id not in kept.of("reference")]
    killed = {m for m, o in kept.of("reference").items() if o["outcome"] == "killed"}
    second = [m.id for m in found if m.id not in killed and m.id not in kept.of("oracle")]
    if not first and not second and not _without_habits(found, kept):
        return
    prints = look(jobs, step) if prints is None else prints
    with _pool(jobs, prints) as pool:
        for o in _gather([pool.submit(_as_reference, m) for m in first], "as reference", step):
            kept.add(o)
        before = sorted((o for o in kept.of("reference").values() if o["outcome"] == "killed"), key=lambda o: o["id"])
        killed = {o["id"] for o in before}
        second = [m for m in second if m not in killed]
        for o in _gather([pool.submit(_as_oracle, m, before) for m in second], "as oracle", step):
            kept.add(o)
        third = _without_habits(found, kept)
        for o in _gather([pool.submit(_with_habits, m) for m in third], "with habits", step):
            kept.add(o)


def _without_habits(found: Sequence[Mutant], kept: Journal) -> list[str]:
    """What survived so far and has not been followed with a habit."""
    return [m.id for m in survivors(found, kept) if m.id not in kept.of("habit")]


def settle(found: Sequence[Mutant], kept: Journal, jobs: int, step: Step) -> None:
    """Ask the solver about the mutants that survived in every role. Raises KeyboardInterrupt when interrupted."""
    alive = [m.id for m in survivors(found, kept) if m.id not in kept.of("solver")]
    if alive:
        with _pool(jobs) as pool:
            for o in _gather([pool.submit(_ask, m) for m in alive], "solver", step):
                kept.add(o)


def _ask(mutant: str) -> Outcome:
    found = _mutants()[mutant]
    answer = equivalence.compare(load.tcp(), found)
    return {"id": mutant, "stage": "solver", "outcome": answer.how, "by": answer.by}


@cache
def _mutants() -> dict[str, Mutant]:
    return {m.id: m for m in mutants(load.tcp())[0]}


def survivors(found: Sequence[Mutant], kept: Journal) -> list[Mutant]:
    """Those that no role has killed."""
    killed = {o["id"] for o in kept.outcomes.values() if o["outcome"] == "killed"}
    return [m for m in found if m.id not in killed]


def sample(found: Sequence[Mutant], share: int) -> list[Mutant]:
    """One in ``share`` of them, the same ones whatever else there is."""
    return [m for m in found if int(hashlib.sha256(m.id.encode()).hexdigest()[:8], 16) % share == 0]


# ---- what is checked in ---------------------------------------------------------------------------------------------


def results(found: Sequence[Mutant], kept: Journal) -> list[Outcome]:
    """One line a mutant, in the order of their ids: killed (how), equivalent (by what), or listed (what is known)."""
    out = []
    for m in sorted(found, key=lambda m: m.id):
        mine = [o for stage in ("reference", "oracle", "habit", "solver") if (o := kept.of(stage).get(m.id))]
        killed = next((o for o in mine if o["outcome"] == "killed"), None)
        if killed is not None:
            line = {k: v for k, v in killed.items() if k not in ("tried", "rule") and v}
        else:
            asked = next((o for o in mine if o["stage"] == "solver"), None)
            answer = asked or {"outcome": "unknown", "by": "the solver was not asked"}
            proved = answer["outcome"] == "equivalent"
            line = {"id": m.id, "outcome": "equivalent" if proved else "listed", "by": answer["by"], "what": m.what}
            if not proved:
                line["solver"] = answer["outcome"]
        out.append(line)
    return out


def results_path() -> Path:
    """The results that come with wireproof."""
    return suite.path().with_name("mutants.jsonl")


def results_text(lines: Sequence[Outcome]) -> str:
    """Results as the file has them."""
    return "".join(_line(o) for o in lines)


def read_results() -> list[Outcome]:
    """The results that come with wireproof. Raises OSError or ValueError when they cannot be read."""
    return [json.loads(line) for line in results_path().read_text("utf-8").splitlines()]


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
